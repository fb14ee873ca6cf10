"""What a user does with the examples, asserted on the way; the same at https://localhost/ of every test host."""

import json
import re

from system.target import Browser

PAGES = {
    "/": "Harbour Tea",
    "/assets/style.css": "{",
    "/api/": "Guest book",
    "/shared/one/": "App one",
    "/shared/two/": "App two",
}


def visit_pages(browser: Browser) -> None:
    """Every page answers with its own content."""
    for path, content in PAGES.items():
        answer = browser.get(path)
        assert (answer.status, content in answer.text) == (200, True), f"{path}: {answer.status} {answer.text[:300]}"


def log_in(browser: Browser, password: str, user: str = "alpha") -> int:
    """Ask for the members' page, fill in the form that comes instead; return the status of the answer to it."""
    asked = browser.get("/members")
    assert asked.status == 302, f"/members without a log in: {asked.status}"
    form = browser.get(asked.headers["location"])
    assert form.status == 200
    token = re.search(r'name="_xsrf" value="([^"]+)"', form.text)
    assert token, f"the log-in form has no token: {form.text[:1000]}"
    fields = {"user": user, "password": password, "_xsrf": token[1]}
    return browser.post(asked.headers["location"], fields).status


def is_member(browser: Browser) -> bool:
    """Is this user logged in?"""
    answer = browser.get("/members")
    return answer.status == 200 and "Welcome back, alpha" in answer.text


def talk(browser: Browser) -> None:
    """A websocket gets back what it sends, and the API tells of it afterwards."""
    got = browser.target.ask(
        "websocket",
        url=browser.root.replace("https:", "wss:") + "/api/live",
        send=["grüß Gott"],
        expect=1,
    )
    assert "error" not in got, got["error"]
    assert json.loads(got["messages"][0])["text"] == "grüß Gott"
    assert "grüß Gott" in [entry["text"] for entry in browser.get("/api/entries").json()]


def sign(browser: Browser, text: str) -> None:
    """Post to the API, and find it there."""
    answer = browser.post("/api/entries", {"text": text})
    assert (answer.status, answer.json()["text"]) == (200, text)
