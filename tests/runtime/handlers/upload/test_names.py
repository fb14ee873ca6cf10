"""UploadHandler: names that must not work."""

import os
from typing import Any

import pytest
from tornado.web import HTTPError

from gramex.handlers.uploadname import store_path

LEAVE = [
    "../x", "../up-other/x", "a/../../x", "/etc/x", "//host/x", "\\x", "..\\x", "C:\\x", "c:x", "a\\..\\..\\x",
    "..", ".meta.db", ".META.DB", ".meta.db-wal", "sub/.meta.db", "link/x", "sub/../link/x", "sub/../../up-other/x",
]  # fmt: skip
IMPOSSIBLE = [
    "a\0b", "a\nb", "a\x7f", "a\\b", ".", "./", "CON", "con.txt", "sub/Nul", "com1 .txt", "x.", "x ", "x.. /y", "ab:c",
    "ab::$DATA", "n" * 256, "ä" * 128, "/".join(["d" * 200] * 30), "\ud800",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    up = tmp_path / "up"
    for each in (up / "sub", tmp_path / "up-other"):
        each.mkdir(parents=True)
    (up / "link").symlink_to(tmp_path / "up-other")
    return up


@pytest.mark.parametrize("name", LEAVE)
def test_names_that_leave_the_folder_are_403(folder, name):
    with pytest.raises(HTTPError) as error:
        store_path(os.path.realpath(folder), name)
    assert error.value.status_code == 403


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_names_that_cannot_be_are_400(folder, name):
    with pytest.raises(HTTPError) as error:
        store_path(os.path.realpath(folder), name)
    assert error.value.status_code == 400


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("a b.txt", "a b.txt"),
        ("sub/../x", "x"),
        ("ä/é", "ä/é"),
        ("...x", "...x"),
        ("n" * 255, "n" * 255),
        ("x//y", "x/y"),
    ],
)
def test_other_names_work(folder, name, stored):
    assert store_path(os.path.realpath(folder), name) == stored


@pytest.mark.parametrize("field", ["file", "save", "delete"])
def test_no_field_leads_out(serve_module, send, field):
    app = serve_module({"url": {"up": {"pattern": "/up", "handler": "UploadHandler", "kwargs": {"path": "up"}}}})
    other = app.folder / "up-other"
    other.mkdir()
    (other / "x").write_text("kept")
    (app.folder / "up/link").symlink_to(other)
    outside, bad = ["../up-other/x", "link/x", f"{other}/x"], ["a\x7fb", "n" * 300]
    for name, status in [*((each, 403) for each in outside), *((each, 400) for each in bad)]:
        fields: dict[str, list[Any]] = {
            "file": [("file", name, "evil")],
            "save": [("file", "good", "evil"), ("save", None, name)],
            "delete": [("delete", None, name), ("delete", None, "good")],
        }
        assert send(app, "/up", *fields[field]).status == status, name
        assert (other / "x").read_text() == "kept"
    assert sorted(path.name for path in (app.folder / "up").iterdir()) == ["link"]
    assert [path.name for path in other.iterdir()] == ["x"]


def test_a_link_is_replaced_not_followed(serve, send):
    kwargs = {"path": "up", "if_exists": "overwrite"}
    app = serve({"url": {"up": {"pattern": "/up", "handler": "UploadHandler", "kwargs": kwargs}}}, {"kept": "kept"})
    (app.folder / "up/link").symlink_to(app.folder / "kept")
    assert send(app, "/up", ("file", "link", "new")).status == 200
    assert (app.folder / "kept").read_text() == "kept"
    assert (app.folder / "up/link").read_text() == "new"
    assert not (app.folder / "up/link").is_symlink()


def test_a_body_that_is_no_form_is_400(serve, send):
    app = serve({"url": {"up": {"pattern": "/up", "handler": "UploadHandler", "kwargs": {"path": "up"}}}})
    headers = {"Content-Type": "multipart/form-data; boundary=x", "X-Requested-With": "XMLHttpRequest"}
    assert app.post("/up", b"--x\r\nnothing", headers=headers).status == 400
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff"\r\n\r\nabc\r\n--x--\r\n'
    assert app.post("/up", part, headers=headers).status == 400
