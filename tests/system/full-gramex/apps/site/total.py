"""A task: writes the sum of all sales into the app's data."""

import os
from pathlib import Path

import pandas as pd

total = pd.read_csv("sales.csv")["amount"].sum()
Path(os.environ["GRAMEXDATA"], "total.txt").write_text(f"{total}\n")
