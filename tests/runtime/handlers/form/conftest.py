"""An app with data files beside its configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from formapp import SALES, make_database, make_workbook


@pytest.fixture(scope="module")
def form_app(serve_module: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Start an app with the data files beside its own: ``form_app({'url': ...}, {'more.csv': ...})``."""

    def start(url: dict[str, Any], files: dict[str, str | bytes] | None = None, **more: Any) -> Any:
        folder = tmp_path_factory.mktemp("form")
        make_database(folder / "sales.db")
        make_workbook(folder / "sales.xlsx")
        (folder / "sales.csv").write_text(SALES, encoding="utf-8")
        return serve_module({"url": url, **more.pop("conf", {})}, files, folder=folder, **more)

    return start
