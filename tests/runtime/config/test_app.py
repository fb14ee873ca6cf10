"""The app: section and the layer of the command line."""

from __future__ import annotations

from collections.abc import Callable

from gramex.config import Loaded, app_log, load

Read = Callable[..., Loaded]


def test_options_win_over_the_file_key_by_key(read: Read) -> None:
    loaded = read("app: {listen: {port: 1, address: a}, x: 1}", listen={"port": 2}, y=[1])
    app = loaded.conf["app"]
    assert (app["listen"]["port"], app["listen"]["address"], app["x"], app["y"]) == (2, "a", 1, [1])


def test_options_of_the_log(read: Read) -> None:
    loaded = read("", log={"level": "debug", "propagate": True})
    logger = loaded.conf["log"]["loggers"]["gramex"]
    assert (logger["level"], logger["propagate"], logger["handlers"]) == ("DEBUG", True, ["console", "gramex"])
    assert "log" not in loaded.conf["app"]


def test_null_on_the_command_line_removes(read: Read) -> None:
    loaded = read("app: {listen: {address: a}}", listen={"address": None})
    assert "address" not in loaded.conf["app"]["listen"]


def test_no_place_for_what_the_command_line_set(read: Read) -> None:
    loaded = read("\napp: {listen: {port: 1, address: a}}", listen={"port": 2})
    assert loaded.where("app", "listen", "address") == "gramex.yaml:2"
    assert loaded.where("app", "listen", "port") == ""


def test_settings_get_their_type(read: Read, monkeypatch) -> None:
    monkeypatch.setenv("FLAG", "off")
    app = read("app: {settings: {xsrf_cookies: $FLAG, cookie_secret: 0123, mine: 5}}").conf["app"]
    assert app["settings"]["xsrf_cookies"] is False
    assert app["settings"]["cookie_secret"] == "83"  # YAML reads 0123 as octal: quote it
    assert app["settings"]["mine"] == 5


def test_the_mappings_are_plain(read: Read) -> None:
    conf = read("t: {a: [{b: {c: 1}}]}").conf

    def types(value: object) -> set[type]:
        if isinstance(value, dict):
            return {type(value)}.union(*map(types, value.values()))
        return {type(value)}.union(*map(types, value)) if isinstance(value, list) else set()

    assert types(conf) == {dict, list}


def test_no_gramex_yaml_is_the_guide(folder) -> None:
    loaded = load(folder)
    assert loaded.guide
    assert loaded.problems == []
    assert "default" not in loaded.conf["url"]
    assert loaded.conf["url"]["guide"]["handler"] == "GuideHandler"
    assert folder / "gramex.yaml" in loaded.files  # so that a new one is noticed
    assert loaded.folders == [folder]


def test_an_app_is_not_the_guide(read: Read) -> None:
    loaded = read("")
    assert not loaded.guide
    assert loaded.conf["url"]["default"]["kwargs"]["path"] == "."


def test_files_and_folders(read: Read, folder) -> None:
    loaded = read(
        "import: [b/x.yaml, a/y.yaml, no/z.yaml, $GRAMEXPATH/deploy.yaml]",
        {"a/y.yaml": "", "b/x.yaml": "import: [z.yaml]", "b/z.yaml": "{"},
    )
    own = [path for path in loaded.files if path.is_relative_to(folder)]
    names = [path.relative_to(folder).as_posix() for path in own]
    assert names == [".secrets.yaml", "gramex.yaml", "b/x.yaml", "b/z.yaml", "a/y.yaml", "no/z.yaml"]
    assert loaded.folders == [folder, folder / "b", folder / "a"]
    assert [path.name for path in loaded.files if path not in own] == ["gramex.yaml", "deploy.yaml"]


def test_problems_are_logged_with_their_kind(read: Read, caplog) -> None:
    loaded = read("import: [bad.yaml, no.yaml]", {"bad.yaml": "a: 'x"})
    propagate, app_log.propagate = app_log.propagate, True
    try:
        loaded.report()
    finally:
        app_log.propagate = propagate
    records = [(record.levelname, record.getMessage()) for record in caplog.records if record.levelno > 20]
    # Where a test before it had the log write by itself, each is there twice.
    assert list(dict.fromkeys(records)) == [
        ("ERROR", f"Config error: {loaded.folder}/bad.yaml:1: a: a quote is not closed: close the quote"),
        ("WARNING", f"{loaded.folder}/gramex.yaml:1: import: Missing config: {loaded.folder}/no.yaml"),
    ]


def test_sections_come_in_the_packaged_order(read: Read) -> None:
    conf = read("watch: {}\nurl: {}\nemail: {}\nschedule: {}\ncache: {}\n").conf
    assert list(conf) == [
        *("version", "mime", "threadpool", "cache", "handlers", "log", "app", "url"),
        *("watch", "email", "schedule"),
    ]
