"""DataFrames of pandas, for functions of apps that want them. pandas is imported only then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from gramex.data.infer import kind_of, unique
from gramex.data.kinds import BOOL, FLOAT, INT, MOMENTS, NUMBER, NUMBERS
from gramex.data.refused import Refused
from gramex.data.result import Result

DTYPES = {INT: "int64", FLOAT: "float64", NUMBER: "float64", BOOL: "bool"}


def pandas(key: str) -> Any:
    """Return the module.

    Raises:
        Refused: 501, it is not installed.
    """
    try:
        import pandas as module  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        raise Refused(501, f"{key}: needs pandas: pip install pandas") from None
    return module


def frame_of(result: Result, key: str) -> Any:
    """Return rows as a DataFrame; `key` is that of the function that gets it.

    Raises:
        Refused: 501, pandas is not installed.
    """
    module = pandas(key)
    frame = module.DataFrame([tuple(row) for row in result.rows], columns=result.names)
    for name, kind in zip(result.names, result.kinds, strict=True):
        if kind in MOMENTS or (len(frame) and frame[name].map(lambda each: isinstance(each, date)).any()):
            frame[name] = module.to_datetime(frame[name], errors="coerce")
        elif not len(frame):
            frame[name] = frame[name].astype(DTYPES.get(kind, "object"))
        elif (kind in NUMBERS or (result.file and not kind)) and frame[name].isna().all():
            frame[name] = frame[name].astype(float)  # as pandas reads a column without values
    return frame


def rows_of_frame(frame: Any, key: str) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """Return the names and rows of what a function returned: a DataFrame, or a Series.

    Raises:
        Refused: 500, it is neither.
    """
    module = pandas(key)
    if isinstance(frame, module.Series):
        frame = frame.to_frame()
    if not isinstance(frame, module.DataFrame):
        raise Refused(500, f"{key}: must return a DataFrame, not {type(frame).__name__}")
    columns = [plain_values(frame.iloc[:, number], module) for number in range(frame.shape[1])]
    return unique([str(name) for name in frame.columns]), list(zip(*columns, strict=True))


def plain_values(series: Any, module: Any) -> list[Any]:
    """Return the values of a column as Python has them, with None where there is none."""
    values = series.astype(object).where(series.notna(), None).tolist()
    return [plain(value, module) for value in values]


def plain(value: Any, module: Any) -> Any:
    """Return one value as Python has it."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, module.Timestamp):
        return value.to_pydatetime(warn=False)
    if hasattr(value, "item") and callable(value.item) and getattr(value, "shape", None) == ():
        return value.item()
    return value


def result_of_frame(frame: Any, before: Result | None, key: str) -> Result:
    """Return what a function made of a result; what is known of the arguments stays.

    Raises:
        Refused: 500, it is no DataFrame.
    """
    names, rows = rows_of_frame(frame, key)
    kinds = [kind_of([row[number] for row in rows]) for number in range(len(names))]
    return Result(names, kinds, rows, before.meta if before else {}, file=before is None or before.file)
