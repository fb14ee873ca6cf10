"""Accounts of services and their passwords, read on any system."""

from __future__ import annotations

import io

import pytest

from gramex.winservice.account import VARIABLE, find_password, full_name
from gramex.winservice.errors import ServiceError


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("ann", ".\\ann"),
        ("DOMAIN\\ann", "DOMAIN\\ann"),
        ("ann@example.org", "ann@example.org"),
        ("System", "LocalSystem"),
        (".\\LocalSystem", "LocalSystem"),
        ("network service", "NT AUTHORITY\\NetworkService"),
        ("NT AUTHORITY\\LocalService", "NT AUTHORITY\\LocalService"),
        ("OTHER\\LocalService", "OTHER\\LocalService"),
    ],
)
def test_accounts_as_windows_wants_them(user: str, account: str) -> None:
    assert full_name(user) == account


@pytest.mark.parametrize("account", ["LocalSystem", "NT AUTHORITY\\NetworkService", "NT SERVICE\\App", "DOM\\app$"])
def test_accounts_without_a_password(account: str) -> None:
    assert find_password(account, "ignored", {VARIABLE: "x"}) is None


def test_where_a_password_comes_from() -> None:
    nothing = io.StringIO("")
    assert find_password("DOM\\ann", "given", {VARIABLE: "x"}, nothing) == "given"
    assert find_password("DOM\\ann", None, {VARIABLE: "x"}, nothing) == "x"
    assert find_password("DOM\\ann", "-", {VARIABLE: "x"}, io.StringIO(" se cret \r\nmore\n")) == " se cret "
    for given in (None, "-", ""):
        with pytest.raises(ServiceError, match="password"):
            find_password("DOM\\ann", given, {}, nothing)
