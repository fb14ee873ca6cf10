"""The log-in page: who comes in, who does not, how long that takes, and what is never told."""

from __future__ import annotations

import contextlib
import csv
import datetime
import html.parser
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openpyxl import Workbook

from gramex.handlers import sessionexpiry
from gramex.handlers.lookup import Lookup
from gramex.handlers.password import hash_password

Fixture = Callable[..., Any]


def test_form(serve: Fixture, app: Fixture):
    answer = serve(*app()).get("/login/?next=/x")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert answer.headers["Cache-Control"] == "no-store"
    fields: dict[str, dict[str, str | None]] = {}
    labels, links, tags = set(), [], []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            values = dict(attrs)
            tags.append(tag)
            links.extend(values[name] for name in ("src", "href", "action") if name in values)
            if tag == "input":
                fields[values["name"] or ""] = values
            if tag == "label":
                labels.add(values["for"])
            if tag == "html":
                assert values["lang"] == "en"
            if tag == "form":
                assert values == {"method": "post"}  # to where it came from: works below any path

    Parser().feed(answer.text)
    assert set(fields) == {"user", "password", "_xsrf"}
    assert fields["_xsrf"]["type"] == "hidden"
    assert fields["_xsrf"]["value"]
    assert (fields["password"]["type"], fields["password"]["autocomplete"]) == ("password", "current-password")
    assert fields["user"]["autocomplete"] == "username"
    assert labels == {fields["user"]["id"], fields["password"]["id"]}
    assert links == []  # nothing from elsewhere
    assert "viewport" in answer.text
    assert "{{" not in answer.text


def test_good_log_in(serve: Fixture, app: Fixture, log_in: Fixture):
    server = serve(*app())
    browser = server.browser()
    answer = log_in(browser, "bob", "bob's secret")
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    user = {"user": "bob", "id": "bob", "role": "admin", "teams": ["x", "y"]}
    assert browser.get("/user").json() == user
    assert browser.get("/session").json()["user"] == user


def test_bad_log_ins(serve: Fixture, app: Fixture):
    server = serve(*app(xsrf_cookies=False))
    forms: list[Any] = [
        {"user": "ann", "password": "wrong"},
        {"user": "ann", "password": ""},
        {"user": "ann"},
        {"user": "bob", "password": "ann's secret"},
        {"user": "eve", "password": "ann's secret"},
        {"user": "eve"},  # Gramex compared None with None
        {"user": "eve", "password": ""},
        {"user": "eve", "password": "None"},
        {"user": "", "password": ""},
        {"password": "ann's secret"},
        {},
        {"user": "Ann", "password": "ann's secret"},
        {"user": "ann ", "password": "ann's secret"},
        {"user": "bob", "password": "{'password': \"bob's secret\", 'role': 'admin'}"},
        b"user=ann&password=%ff%fe",
        b"user=%ff&password=x",
        b"user=ann&password=ann%27s%20secret&password=wrong",
        b"\xff\xfe\x00",
    ]
    for form in forms:
        browser = server.browser()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = browser.post("/login/", form, headers=headers)
        assert answer.status == 401, form
        assert "Cannot log in" in answer.text
        assert '<form method="post">' in answer.text
        assert browser.get("/private").status == 302, form
        assert "sid" not in browser.cookies


def test_passwords_in_the_url_do_not_count(serve: Fixture, app: Fixture):
    # they would stand in logs, histories and Referer headers
    server = serve(*app(xsrf_cookies=False))
    assert server.post("/login/?user=ann&password=ann%27s+secret", {}).status == 401


def test_hashed_passwords(serve: Fixture, app: Fixture, log_in: Fixture):
    hashed = hash_password("sécret").replace("$", "$$")  # a dollar begins a variable in YAML
    server = serve(*app(credentials={"ann": hashed, "bob": {"password": hashed, "role": "x"}, "cy": "plain"}))
    for user, password, status in [
        ("ann", "sécret", 302),
        ("bob", "sécret", 302),
        ("cy", "plain", 302),
        ("cy", "sécret", 401),
        ("eve", "sécret", 401),
        ("ann", hashed.replace("$$", "$"), 401),
    ]:
        assert log_in(server.browser(), user, password).status == status, user


def test_a_password_is_found_nowhere(serve: Fixture, app: Fixture, log_in: Fixture):
    conf, files = app(credentials={"ann": "hunter2-one", "bob": {"password": "hunter2-two", "role": "x"}})
    conf["url"]["kwargs"] = {
        "pattern": "/kwargs",
        "handler": "FunctionHandler",
        "kwargs": {"function": "str(handler.kwargs) + str(handler.session) + str(handler.current_user)"},
    }
    conf["url"]["login"]["kwargs"]["template"] = "form.html"
    files["form.html"] = (
        '<input name="_xsrf" value="{{ handler.xsrf_token }}"> {{ handler.kwargs }} {{ vars(handler) }}'
    )
    server = serve(conf, files, "--log.level=debug")
    for user, password in [("ann", "hunter2-one"), ("bob", "hunter2-two"), ("bob", "hunter2-bad")]:
        browser = server.browser()
        page = browser.get("/login/")
        answer = log_in(browser, user, password)
        shown = browser.get("/kwargs")
        for text in (page.text, answer.text, shown.text, str(answer.headers)):
            assert "hunter2" not in text
    server.stop()
    assert "hunter2" not in server.log
    for path in server.data.rglob("*"):
        if path.is_file():
            assert b"hunter2" not in path.read_bytes(), path


def test_users_without_a_password_are_named_in_the_log(serve: Fixture, app: Fixture, log_in: Fixture):
    server = serve(*app(credentials={"ann": "", "bob": "fine", "cy": "$$2b$$12$$abc"}))
    assert "url:login: credentials: ann: the password is empty" in server.log
    assert "url:login: credentials: cy: the password is a hash of a kind that is not known" in server.log
    assert log_in(server.browser(), "bob", "fine").status == 302
    assert log_in(server.browser(), "ann", "").status == 401


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"credentials": {}}, "credentials: is missing"),
    ({"credentials": ["ann"]}, "credentials: must be a mapping"),
    ({"delay": "long"}, "delay: must be seconds, or a list such as [1, 1, 5]"),
    ({"delay": []}, "delay: must be"),
    ({"template": "none.html"}, "template: there is no file none.html"),
    ({"redirect": {"to": "x"}}, "redirect: to is not known"),
    ({"session_expiry": "soon"}, "session_expiry: must be a number above 0"),
    ({"session_expiry": {"values": {"a": 0}}}, "session_expiry.values.a: must be a number above 0"),
    ({"session_expiry": {"week": 7}}, "session_expiry: must be days, or {default: 1"),
    ({"session_inactive": True}, "session_inactive: must be a number above 0"),
    ({"user_key": "id"}, "user_key: must be a name"),
    ({"user": {"arg": 5}}, "user: must be a mapping such as {arg: user}"),
    ({"lookup": {"url": "x.docx"}}, "lookup.url: must be"),
    ({"action": "nonsense("}, "nonsense("),
]


def test_a_mistake_closes_the_page_and_nothing_else(serve: Fixture, app: Fixture):
    conf, files = app()
    good = conf["url"]["login"]
    for number, (kwargs, _) in enumerate(MISTAKES):
        conf["url"][f"bad{number}"] = {
            **good, "pattern": f"/bad{number}", "kwargs": {**good["kwargs"], "xsrf_cookies": False, **kwargs},
        }  # fmt: skip
    server = serve(conf, files)
    for number, (_, words) in enumerate(MISTAKES):
        assert server.get(f"/bad{number}").status == 500
        assert server.post(f"/bad{number}", {"user": "ann", "password": "ann's secret"}).status == 500
        assert any(f"url:bad{number} " in line and words in line for line in server.log.splitlines()), words
    assert server.get("/login/").status == 200
    assert "Traceback" not in server.log


def test_renamed_fields_and_own_template(serve: Fixture, app: Fixture):
    form = (
        '{% if error %}<b>{{ error["code"] }}: {{ error["error"] }}</b>{% end %}'
        '<input name="{{ handler.kwargs["user"].arg }}"><input name="{{ handler.kwargs["password"].arg }}">'
        "{% module xsrf_form_html() %}"
    )
    conf, files = app(template="form.html", user={"arg": "who"}, password={"arg": "what"}, xsrf_cookies=False)
    server = serve(conf, {**files, "form.html": form})
    page = server.get("/login/").text
    assert page.startswith('<input name="who"><input name="what">')
    assert 'name="_xsrf"' in page
    bad = server.post("/login/", {"user": "ann", "password": "ann's secret"})
    assert bad.status == 401
    assert "<b>auth: Cannot log in</b>" in bad.text
    assert server.post("/login/", {"who": "ann", "what": "ann's secret"}).status == 302


def test_other_methods(serve: Fixture, app: Fixture):
    server = serve(*app(xsrf_cookies=False))
    head = server.request("HEAD", "/login/")
    assert (head.status, head.body) == (200, b"")
    for method in ("PUT", "DELETE", "PATCH"):
        assert server.request(method, "/login/").status == 405


def test_auth_is_ignored_on_the_page_itself(serve: Fixture, app: Fixture, log_in: Fixture):
    server = serve(*app(app={"auth": True}, auth={"membership": {"role": "nobody"}}))
    assert server.get("/page.html").status == 302
    assert server.get("/login/").status == 200
    browser = server.browser()
    assert log_in(browser).status == 302
    assert browser.get("/page.html").status == 200
    assert browser.get("/logout").status == 302


def test_actions(serve: Fixture, app: Fixture, log_in: Fixture):
    actions = [{"function": "acts.first(handler)"}, {"function": "acts.second"}]
    conf, files = app(action=actions)
    conf["url"]["logout"]["kwargs"] = {"action": {"function": "acts.bye(handler)"}}
    files["acts.py"] = """
import asyncio
def first(handler):
    handler.session["first"] = handler.current_user["id"]
async def second(handler):
    await asyncio.sleep(0)
    handler.session["second"] = handler.session["first"] + "!"
    if handler.current_user["id"] == "bob":
        raise ValueError("bob is not wanted")
def bye(handler):
    handler.session["bye"] = handler.current_user["id"]
"""
    server = serve(conf, files)
    browser = server.browser()
    assert log_in(browser).status == 302
    found = browser.get("/session").json()
    assert (found["first"], found["second"]) == ("ann", "ann!")
    assert browser.get("/logout").status == 302
    found = browser.get("/session").json()
    assert found["bye"] == "ann"
    assert "user" not in found
    browser = server.browser()
    assert log_in(browser, "bob", "bob's secret").status == 500
    assert browser.get("/private").status == 302  # an action that fails is no log in


@pytest.mark.parametrize("function", ["ensure_single_session", "ensure_single_session(handler)"])
def test_single_session(serve: Fixture, app: Fixture, log_in: Fixture, function: str):
    one = serve(*app(action=[{"function": function}]))
    two = serve(*app(action=[{"function": function}]), folder=one.folder, data=one.data)
    first, second, other = one.browser(), two.browser(), one.browser()
    first.get("/put?cart=1")
    log_in(first)
    log_in(other, "bob", "bob's secret")
    assert first.get("/private").text == "ann"
    log_in(second)
    assert second.get("/private").text == "ann"
    assert first.get("/private").status == 302
    assert first.get("/session").json()["cart"] == "1"
    assert other.get("/private").text == "bob"
    log_in(second)  # once more, from the same browser
    assert second.get("/private").text == "ann"


def test_session_expiry_and_user_key(serve: Fixture, app: Fixture, log_in: Fixture, sid: Fixture):
    url = {
        "staff": {
            "pattern": "/staff/",
            "handler": "SimpleAuth",
            "kwargs": {"credentials": {"sue": "s"}, "user_key": "staff", "session_expiry": 1, "delay": 0},
        },
        "out": {"pattern": "/out", "handler": "LogoutHandler", "kwargs": {"user_key": "staff"}},
    }
    server = serve(*app(url=url, app={"session": {"expiry": False}}))
    browser = server.browser()
    assert sid(log_in(browser))["expires"] == ""
    before = browser.get("/session").json()["id"]
    cookie = sid(log_in(browser, "sue", "s", "/staff/"))
    seconds = time.mktime(time.strptime(cookie["expires"], "%a, %d %b %Y %H:%M:%S GMT")) - time.mktime(time.gmtime())
    assert 86000 < seconds < 86500
    session = browser.get("/session").json()
    assert session["id"] != before
    assert (session["user"]["id"], session["staff"]["id"]) == ("ann", "sue")
    browser.get("/out")
    session = browser.get("/session").json()
    assert "staff" not in session
    assert browser.get("/private").text == "ann"


def lasts(answer: Any, sid: Fixture) -> float:
    """The days for which a log in's cookie is kept."""
    end = time.mktime(time.strptime(sid(answer)["expires"], "%a, %d %b %Y %H:%M:%S GMT"))
    return (end - time.mktime(time.gmtime())) / 86400


def test_the_form_says_how_long_a_log_in_lasts(serve: Fixture, app: Fixture, log_in: Fixture, sid: Fixture):
    values = {"week": 7, True: 20}
    server = serve(*app(session_expiry={"default": 2, "key": "stay", "values": values}))
    for field, days in (("", 2), ("week", 7), ("True", 20), ("nonsense", 2)):
        browser = server.browser()
        answer = log_in(browser, **({"stay": field} if field else {}))
        assert abs(lasts(answer, sid) - days) < 0.01, field


def test_who_is_away_too_long_is_logged_out(serve: Fixture, app: Fixture, log_in: Fixture):
    conf, files = app(session_inactive=1 / 86400 / 1e6)  # a microsecond
    conf["url"]["long"] = {**conf["url"]["login"], "pattern": "/long/"}
    conf["url"]["long"]["kwargs"] = {"credentials": {"sue": "s"}, "session_inactive": 1}
    server = serve(conf, files)
    browser, other = server.browser(), server.browser()
    browser.get("/put?kept=1")
    assert log_in(browser).status == log_in(other, "sue", "s", "/long/").status == 302
    assert browser.get("/private").status == 302
    assert set(browser.get("/session").json()) == {"id"}
    assert [other.get("/private").text for _ in range(3)] == ["sue"] * 3


def test_a_request_counts_as_being_there(monkeypatch: pytest.MonkeyPatch):
    now = 1000.0
    monkeypatch.setattr(sessionexpiry.time, "time", lambda: now)
    session: dict[str, Any] = {"id": "x", "user": "ann"}
    visitor = SimpleNamespace(session=session, peek_session=session.get, log_out=lambda: None)
    sessionexpiry.begin_idle(session, 100.0)
    for seconds, kept in ((9, 1000.0), (11, 1020.0), (99, 1119.0)):
        now += seconds
        sessionexpiry.end_idle(visitor)
        assert session == {"id": "x", "user": "ann", "_idle": [100.0, kept]}
    now += 101
    sessionexpiry.end_idle(visitor)
    assert session == {"id": "x"}


def test_an_ended_session_is_logged_out(serve: Fixture, app: Fixture, log_in: Fixture):
    server = serve(*app(session_expiry=1.5 / 86400))
    browser = server.browser()
    log_in(browser)
    assert browser.get("/private").text == "ann"
    server.wait_for(lambda: browser.get("/private").status == 302)


def test_lookup(serve: Fixture, app: Fixture, log_in: Fixture):
    rows = [{"name": "ann", "city": "Ulm", "empty": ""}, {"name": "bob", "city": "Rom", "empty": ""}]
    conf, files = app()
    lookups: dict[str, Any] = {kind: {"url": f"users.{kind}", "id": "name"} for kind in ("csv", "json", "yaml")}
    lookups["xlsx"] = {"url": "users.xlsx", "sheet_name": "people", "id": "name"}
    lookups["db"] = {"url": "sqlite:///users.db", "table": "people", "id": "name"}
    for kind, lookup in lookups.items():
        login = conf["url"]["login"]
        conf["url"][kind] = {**login, "pattern": f"/{kind}/", "kwargs": {**login["kwargs"], "lookup": lookup}}
    server = serve(conf, {**files, "users.json": json.dumps(rows), "users.yaml": json.dumps(rows)})
    with (server.folder / "users.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    book = Workbook()
    sheet = book.create_sheet("people")
    for line in (list(rows[0]), *([*each.values()] for each in rows)):
        sheet.append(line)
    book.save(server.folder / "users.xlsx")
    connection = sqlite3.connect(server.folder / "users.db")
    with connection:
        connection.execute("CREATE TABLE people (name, city, empty)")
        connection.executemany("INSERT INTO people VALUES (:name, :city, :empty)", rows)
    connection.close()
    for kind in lookups:
        browser = server.browser()
        log_in(browser, "bob", "bob's secret", f"/{kind}/")
        user = browser.get("/user").json()
        assert (user["id"], user["role"], user["city"]) == ("bob", "admin", "Rom"), kind
        assert "empty" not in user


def test_what_an_excel_file_holds_can_be_kept(tmp_path: Path):
    book = Workbook()
    for line in (["user", "since", "n", None], ["ann", datetime.datetime(2024, 2, 29), 5, "unnamed"], ["bob", None, 0]):
        book.worksheets[0].append(line)
    book.save(tmp_path / "users.xlsx")
    lookup = Lookup("users.xlsx", tmp_path)
    assert lookup.find("ann") == {"user": "ann", "since": "2024-02-29T00:00:00", "n": 5}
    assert lookup.find("bob") == {"user": "bob", "n": 0}
    assert lookup.find("carl") == {}
    with pytest.raises(ValueError, match="has no sheet 'more'"):
        Lookup({"url": "users.xlsx", "sheet_name": "more"}, tmp_path).find("ann")


def test_a_failing_lookup_lets_nobody_in(serve: Fixture, app: Fixture, log_in: Fixture):
    browser = serve(*app(lookup={"url": "missing.csv"})).browser()
    assert log_in(browser).status == 500
    assert browser.get("/private").status == 302


class Clock:
    """How long requests took, in seconds."""

    def __init__(self) -> None:
        self.took: dict[Any, float] = {}

    def measure(self, name: Any, call: Callable[[], Any]) -> Any:
        begin = time.monotonic()
        result = call()
        self.took[name] = time.monotonic() - begin
        return result


def test_failures_are_held_up_per_name_in_all_processes(serve: Fixture, app: Fixture):
    one = serve(*app(delay=[0.4, 0.4, 1.2], xsrf_cookies=False))
    two = serve(*app(delay=[0.4, 0.4, 1.2], xsrf_cookies=False), folder=one.folder, data=one.data)
    clock = Clock()

    def attempt(server: Any, name: Any, user: str, password: str) -> int:
        return clock.measure(name, lambda: server.post("/login/", {"user": user, "password": password}).status)

    # At least the delay: a busy machine only takes longer.
    assert attempt(one, 1, "ann", "wrong") == 401
    assert attempt(two, 2, "ann", "wrong") == 401
    assert attempt(one, 3, "ann", "wrong") == 401
    assert clock.took[1] >= 0.39
    assert clock.took[2] >= 0.39
    assert clock.took[3] >= 1.19
    # An unknown name is held up in the same way.
    assert attempt(one, "eve", "eve", "wrong") == 401
    assert clock.took["eve"] >= 0.39
    # While one name waits, others do not, and the server answers.
    done = threading.Event()

    def fail() -> None:
        one.post("/login/", {"user": "ann", "password": "wrong"})
        done.set()

    thread = threading.Thread(target=fail)
    thread.start()
    time.sleep(0.1)
    assert attempt(one, "bob", "bob", "bob's secret") == 302
    assert one.get("/page.html").status == 200
    assert not done.is_set()
    # The right password has to wait its turn as well, in the other process too.
    assert attempt(two, "ann", "ann", "ann's secret") == 302
    assert clock.took["ann"] >= 0.5
    thread.join()
    # Success forgets: the next failure is a first one again.
    assert attempt(one, "after", "ann", "wrong") == 401
    assert 0.39 <= clock.took["after"] < 1.19


def test_a_flood_of_guesses_is_turned_away_unchecked(serve: Fixture, app: Fixture):
    server = serve(*app(delay=[12], xsrf_cookies=False))
    with pytest.raises(TimeoutError):  # a failure holds the name up for 12 seconds; nobody waits for its answer
        server.post("/login/", {"user": "ann", "password": "wrong"}, timeout=0.5)
    answer = server.post("/login/", {"user": "ann", "password": "ann's secret"})
    assert answer.status == 429
    assert answer.headers["Retry-After"]
    assert "Too many tries" in answer.text
    assert server.post("/login/", {"user": "bob", "password": "bob's secret"}).status == 302


def test_parallel_guesses_get_one_try_each_delay(serve: Fixture, app: Fixture):
    one = serve(*app(delay=[3], xsrf_cookies=False, credentials={"ann": hash_password("right").replace("$", "$$")}))
    two = serve(None, folder=one.folder, data=one.data)
    begin = time.monotonic()
    statuses: list[int] = []

    def guess(number: int) -> None:
        with contextlib.suppress(TimeoutError):
            form = {"user": "ann", "password": "right" if number == 5 else f"guess {number}"}
            statuses.append((one, two)[number % 2].post("/login/", form, timeout=2).status)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)  # the first one is the first
    for thread in threads:
        thread.join()
    if time.monotonic() - begin < 2.9:  # else the machine was too busy to say anything
        assert statuses == []
