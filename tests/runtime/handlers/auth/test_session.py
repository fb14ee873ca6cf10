"""Sessions over real HTTP: their cookie, their life, their store, and those who try to steal them."""

from __future__ import annotations

import json
import signal
import stat
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tornado.web import create_signed_value

Fixture = Callable[..., Any]


def key_of(server: Any) -> str:
    return (server.data / "cookie.key").read_text()


def test_made_when_first_used_and_not_before(serve: Fixture, app: Fixture, sid: Fixture, stored: Fixture):
    server = serve(*app())
    for path in ("/page.html", "/user", "/private", "/missing", "/login/", "/favicon.ico", "/logout"):
        assert sid(server.get(path)) is None, path
    assert stored(server.data) == []
    assert sid(server.get("/session")) is not None
    assert stored(server.data) == ["{}"]


def test_lasts_from_request_to_request(serve: Fixture, app: Fixture, sid: Fixture):
    browser = serve(*app()).browser()
    assert sid(browser.get("/put?a=1"))
    first = browser.get("/session")
    assert sid(first) is None
    assert first.json()["a"] == "1"
    browser.get("/put?b=2")
    assert browser.get("/session").json() == {**first.json(), "b": "2"}


def test_cookie_flags(serve: Fixture, app: Fixture, sid: Fixture):
    server = serve(*app())
    plain = sid(server.get("/session"))
    assert (plain["httponly"], plain["samesite"], plain["path"], plain["secure"]) == (True, "Lax", "/", "")
    assert plain["domain"] == ""
    assert "2|1:0|" in plain.value
    days = (
        time.mktime(time.strptime(plain["expires"], "%a, %d %b %Y %H:%M:%S GMT")) - time.mktime(time.gmtime())
    ) / 86400
    assert 30.9 < days < 31.1
    assert sid(server.get("/session", headers={"X-Scheme": "https"}))["secure"] is True
    assert sid(server.get("/session", headers={"X-Forwarded-Proto": "https"}))["secure"] is True
    # Below a path of a shared site, so that two apps do not overwrite each other's cookies.
    assert sid(server.get("/session", headers={"X-Gramex-Root": "/blog"}))["path"] == "/blog/"


def test_cookie_settings(serve: Fixture, app: Fixture, sid: Fixture):
    settings = {
        "cookie": "visitor", "domain": "example.com", "samesite": "Strict", "secure": True, "cookiepath": "/x",
        "httponly": False, "expiry": False,
    }  # fmt: skip
    cookie = sid(serve(*app(app={"session": settings})).get("/session"), "visitor")
    assert (cookie["domain"], cookie["samesite"], cookie["secure"]) == ("example.com", "Strict", True)
    assert (cookie["path"], cookie["httponly"], cookie["expires"]) == ("/x", "", "")


@pytest.mark.parametrize("kind", ["json", "memory"])
def test_other_stores(serve: Fixture, app: Fixture, kind: str):
    server = serve(*app(app={"session": {"type": kind}}))
    browser = server.browser()
    browser.get("/put?a=1")
    assert browser.get("/session").json()["a"] == "1"
    assert (server.data / "session.json").exists() == (kind == "json")
    assert not (server.data / "session.db").exists()


def test_a_mistake_in_the_section_stops_the_start(serve: Fixture, app: Fixture):
    server = serve(*app(app={"session": {"type": "postgres"}}), ready=False)
    assert server.wait() == 2
    mistake = server.log[server.log.index("app.session.type") :]
    assert "sqlite" in mistake
    assert "not 'postgres'" in mistake
    assert "Traceback" not in server.log


def test_id_changes_at_log_in_and_the_old_one_is_dead(serve: Fixture, app: Fixture, log_in: Fixture, sid: Fixture):
    server = serve(*app())
    attacker, victim = server.browser(), server.browser()
    attacker.get("/put?cart=full")
    victim.cookies["sid"] = attacker.cookies["sid"]  # planted
    before = victim.get("/session").json()["id"]
    answer = log_in(victim)
    assert answer.status == 302
    assert sid(answer) is not None
    after = victim.get("/session").json()
    assert after["id"] != before
    assert after["cart"] == "full"
    assert after["user"] == {"user": "ann", "id": "ann"}
    assert attacker.get("/private").status == 302
    assert "cart" not in attacker.get("/session").json()


def test_id_changes_too_where_an_app_logs_in_by_itself(serve: Fixture, app: Fixture):
    browser = serve(*app()).browser()
    first = browser.get("/session").json()["id"]
    browser.get("/become?id=x")
    second = browser.get("/session").json()
    assert second == {"id": second["id"], "user": {"id": "x"}}
    assert second["id"] != first
    browser.get("/become?id=x")
    assert browser.get("/session").json()["id"] == second["id"]  # the same user stays
    browser.get("/become?id=y")
    assert browser.get("/session").json()["id"] != second["id"]


def test_forged_cookies_open_nothing(serve: Fixture, app: Fixture, log_in: Fixture):
    server = serve(*app())
    browser = server.browser()
    log_in(browser)
    good = browser.cookies["sid"].strip('"')
    id = browser.get("/session").json()["id"]
    key = key_of(server)
    forged = {
        "plain id": id,
        "wrong key": create_signed_value("secret-key", "sid", id).decode(),
        "other name": create_signed_value(key, "user", id).decode(),
        "tampered": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "cut": good[:-10],
        "unknown id": create_signed_value(key, "sid", "x" * 32).decode(),
        "garbage": "\xff|" * 100,
        "other version": good.replace("2|1:0", "1|1:0"),
    }
    for name, value in forged.items():
        answer = server.get("/private", headers={"Cookie": f'sid="{value}"'.encode("latin-1").decode("latin-1")})
        assert answer.status == 302, name
    assert server.get("/private", headers={"Cookie": f'sid="{good}"'}).text == "ann"
    # A cookie of another app on the same host does not hide ours.
    assert server.get("/private", headers={"Cookie": f'sid=foreign; a=b; sid="{good}"'}).text == "ann"
    assert server.get("/private", headers={"Cookie": f'sid="{good}"; sid=foreign'}).text == "ann"


def test_an_unknown_id_is_not_adopted(serve: Fixture, app: Fixture, sid: Fixture):
    server = serve(*app())
    cookie = create_signed_value(key_of(server), "sid", "chosen-by-an-attacker").decode()
    answer = server.get("/session", headers={"Cookie": f"sid={cookie}"})
    assert answer.json()["id"] != "chosen-by-an-attacker"
    assert sid(answer) is not None


def test_user_header_counts_only_with_our_key(serve: Fixture, app: Fixture):
    server = serve(*app())
    user = json.dumps({"id": "eve", "role": "admin"})
    bad = {"X-Gramex-User": create_signed_value("secret-key", "user", user).decode()}
    assert server.get("/user", headers=bad).status == 400
    other_name = {"X-Gramex-User": create_signed_value(key_of(server), "sid", user).decode()}
    assert server.get("/user", headers=other_name).status == 400
    browser = server.browser()
    good = {"X-Gramex-User": create_signed_value(key_of(server), "user", user).decode()}
    assert browser.get("/private", headers=good).text == "eve"
    assert browser.get("/private").text == "eve"


@pytest.mark.parametrize("key", ["secret-key", "gramex-a-long-host-name.example.com"])
def test_user_header_never_counts_with_a_key_that_others_know(serve: Fixture, app: Fixture, key: str):
    server = serve(*app(app={"settings": {"cookie_secret": key}}))
    header = {"X-Gramex-User": create_signed_value(key, "user", '{"id": "eve"}').decode()}
    assert server.get("/private", headers=header).status == 400


def test_log_out_is_seen_by_another_process_at_its_next_request(serve: Fixture, app: Fixture, log_in: Fixture):
    one = serve(*app())
    two = serve(*app(), folder=one.folder, data=one.data)
    browser, elsewhere = one.browser(), two.browser()
    for _ in range(3):
        assert log_in(browser).status == 302
        elsewhere.cookies = browser.cookies
        assert elsewhere.get("/private").text == "ann"
        assert browser.get("/private").text == "ann"
        assert browser.get("/logout").status == 302
        assert elsewhere.get("/private").status == 302
        assert log_in(elsewhere, "bob", "bob's secret").status == 302
        assert browser.get("/private").text == "bob"
        assert elsewhere.get("/logout").status == 302
        assert browser.get("/private").status == 302


def test_processes_do_not_lose_each_others_changes(serve: Fixture, app: Fixture):
    one = serve(*app())
    two = serve(*app(), folder=one.folder, data=one.data)
    first = one.browser()
    first.get("/session")
    second = two.browser()
    second.cookies = first.cookies

    def work(browser: Any, name: str) -> None:
        for number in range(25):
            browser.get(f"/put?{name}{number}={number}")

    threads = [threading.Thread(target=work, args=pair) for pair in ((first, "a"), (second, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(first.get("/session").json()) == 51  # and id


def test_a_slow_request_does_not_bring_back_who_logged_out(serve: Fixture, app: Fixture, log_in: Fixture):
    server = serve(*app())
    browser = server.browser()
    log_in(browser)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(browser.get("/slow")))
    thread.start()
    server.wait_for(lambda: (server.folder / "waiting").exists())
    assert browser.get("/logout").status == 302
    (server.folder / "waiting").unlink()
    thread.join()
    assert answers[0].text == "slow"
    assert browser.get("/private").status == 302
    assert browser.get("/session").json()["slow"] == "done"


def test_a_slow_request_does_not_bring_back_an_id_that_changed(
    serve: Fixture, app: Fixture, log_in: Fixture, stored: Fixture
):
    server = serve(*app())
    browser, old = server.browser(), server.browser()
    browser.get("/session")
    old.cookies = dict(browser.cookies)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(old.get("/slow")))
    thread.start()
    server.wait_for(lambda: (server.folder / "waiting").exists())
    assert log_in(browser).status == 302
    (server.folder / "waiting").unlink()
    thread.join()
    assert answers[0].all("Set-Cookie") == []  # it would replace the cookie of the log in
    assert len(stored(server.data)) == 1


def test_committed_sessions_outlive_kill_9(serve: Fixture, app: Fixture, log_in: Fixture):
    server = serve(*app())
    browser = server.browser()
    assert log_in(browser).status == 302
    server.stop(signal.SIGKILL)
    again = serve(*app(), folder=server.folder, data=server.data)
    browser.process = again
    assert browser.get("/private").text == "ann"


def test_the_store_is_private(serve: Fixture, app: Fixture, log_in: Fixture):
    server = serve(*app())
    log_in(server.browser())
    files = [path for path in server.data.iterdir() if path.suffix.startswith((".db", ".key"))]
    assert {path.name for path in files} >= {"session.db", "counters.db", "cookie.key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_values_that_cannot_be_kept_cost_only_themselves(serve: Fixture, app: Fixture):
    conf, files = app(
        url={"bad": {"pattern": "/bad", "handler": "FunctionHandler", "kwargs": {"function": "pages.bad(handler)"}}}
    )
    files["pages.py"] += (
        '\ndef bad(handler):\n    handler.session.update(good=1, bad=object())\n    return "answered"\n'
    )
    server = serve(conf, files)
    browser = server.browser()
    assert browser.get("/bad").text == "answered"
    assert browser.get("/session").json()["good"] == 1
    server.wait_log("session['bad']: object cannot be kept in a session")


def test_changes_in_place_are_kept(serve: Fixture, app: Fixture):
    conf, files = app(
        url={"grow": {"pattern": "/grow", "handler": "FunctionHandler", "kwargs": {"function": "pages.grow(handler)"}}}
    )
    files["pages.py"] += """
def grow(handler):
    found = handler.session.setdefault("list", [])
    found.append(len(found))
    return found
"""
    browser = serve(conf, files).browser()
    assert [browser.get("/grow").json() for _ in range(3)] == [[0], [0, 1], [0, 1, 2]]


def test_a_session_changed_while_the_answer_is_sent_is_kept(serve: Fixture, app: Fixture):
    conf, files = app(
        url={
            "parts": {"pattern": "/parts", "handler": "FunctionHandler", "kwargs": {"function": "pages.parts(handler)"}}
        }
    )
    files["pages.py"] += """
def parts(handler):
    yield "one"
    handler.session["late"] = 1
    yield "two"
"""
    server = serve(conf, files)
    browser = server.browser()
    assert browser.get("/parts").text == "onetwo"
    server.wait_log("the session is lost: it was made after the answer had begun")
    browser.get("/session")
    assert browser.get("/parts").text == "onetwo"
    server.wait_for(lambda: browser.get("/session").json().get("late") == 1)


def test_answers_for_one_user_are_not_for_shared_caches(serve: Fixture, app: Fixture, log_in: Fixture):
    def entry(**headers: str) -> dict[str, Any]:
        return {
            "pattern": f"/{len(headers)}",
            "handler": "FileHandler",
            "kwargs": {"path": "page.html", "auth": True, "headers": headers},
        }

    conf, files = app(url={"plain": entry(), "public": entry(**{"Cache-Control": "public, max-age=60, s-maxage=90"})})
    server = serve(conf, files)
    browser = server.browser()
    log_in(browser)
    assert "private" in browser.get("/0").headers["Cache-Control"]
    assert browser.get("/1").headers["Cache-Control"].startswith("private, max-age=60")
    assert "private" not in (server.get("/page.html").headers["Cache-Control"] or "")


def test_sessions_cannot_be_kept_on_disk(serve: Fixture, app: Fixture, log_in: Fixture, tmp_path: Any):
    (tmp_path / "file").write_text("in the way")
    server = serve(*app(), data=tmp_path / "file" / "data")
    browser = server.browser()
    assert log_in(browser).status == 302
    assert browser.get("/private").text == "ann"
    assert "Traceback" not in server.log


@pytest.mark.parametrize("kind", ["sqlite", "json"])
def test_ended_ones_are_removed_though_nobody_comes(serve: Fixture, app: Fixture, stored: Fixture, kind: str):
    server = serve(*app(app={"session": {"type": kind, "expiry": 1e-6, "purge": 0.5}}))
    for _ in range(3):
        assert server.get("/put?a=1").status == 200

    def kept() -> list[str]:
        return stored(server.data) if kind == "sqlite" else list(json.loads((server.data / "session.json").read_text()))

    server.wait_for(lambda: kept() == [], what="an empty store")
