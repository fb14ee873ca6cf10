"""``python -m gramex`` is the command ``gramex``."""

import sys

from gramex.cli import main

sys.exit(main())
