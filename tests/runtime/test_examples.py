"""Each example works alone at /, and unchanged below a path of a parent app."""

import asyncio
import json
import re
import shutil
import signal
import sys
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import yaml
from tornado.websocket import websocket_connect

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STRICT = [sys.executable, "-W", "error", "-m", "gramex"]
FOLDERS = sorted(path.parent.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("**/gramex.yaml"))


@pytest.fixture(params=["", "/below/it"])
def example(request, serve, tmp_path):
    """Start one example, alone or mounted; gives a function of its folder that returns (process, mount)."""
    mount = request.param

    def start(name):
        folder = tmp_path / "with space é"
        copy = folder / "app" if mount else folder
        shutil.copytree(EXAMPLES / name, copy)
        if mount:
            entry = {"path": "app/gramex.yaml", "YAMLURL": mount, "namespace": ["url"]}
            # A parent that mounts an app below a path says where that app's log-in page is.
            conf = {"import": {"app": entry}, "app": {"settings": {"login_url": f"{mount}/login/"}}}
            return serve(conf, folder=folder, command=STRICT), mount
        return serve(folder=folder, command=STRICT), mount

    return start


def relative_urls(text):
    """What a page's attributes point to; none may begin with a slash."""
    urls = re.findall(r'(?:href|src|action)="([^"]*)"', text)
    assert not [url for url in urls if url.startswith("/")]
    return urls


@pytest.mark.parametrize("name", FOLDERS)
def test_every_example_starts_without_a_complaint(example, name):
    process, mount = example(name)
    answer = process.get(f"{mount}/")
    assert answer.status == 200
    assert relative_urls(answer.text) or name == "api"
    assert not re.search(r"^[WE] ", process.log, re.MULTILINE), process.log


def patterns(name, mount):
    """The paths of an example's entries, those without groups."""
    entries = yaml.safe_load((EXAMPLES / name / "gramex.yaml").read_text())["url"].values()
    found = (each["pattern"].replace("/$YAMLURL", mount).replace("//", "/") for each in entries)
    return [each for each in found if not set("([*+") & set(each)]


@pytest.mark.parametrize("name", FOLDERS)
def test_every_page_of_an_example_answers_without_a_warning(example, name):
    process, mount = example(name)
    folder = process.folder / ("app" if mount else "")
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    waiting = [f"{mount}/", *patterns(name, mount), *(f"{mount}/{each}" for each in files if " " not in each)]
    browser = process.browser()
    seen = {}
    while waiting:
        page = waiting.pop()
        if page in seen or not page.startswith(f"{mount}/"):
            continue
        answer = browser.get(page)
        seen[page] = answer.status
        browser.post(page, {"text": "x"})
        if answer.headers["Content-Type"].startswith("text/html"):
            links = re.findall(r'(?:href|src|action)="([^"#]+)', answer.text)
            waiting += [urlsplit(urljoin(page, each)).path for each in links if "//" not in each and "{" not in each]
        if "Location" in answer.headers:
            waiting.append(urlsplit(urljoin(page, answer.headers["Location"])).path)
    assert len(seen) > len(files)
    assert [page for page, status in seen.items() if status >= 500] == []
    assert {seen[f"{mount}/"]} <= {200, 302}
    assert process.stop(signal.SIGTERM) == 0
    assert not re.search(r"Warning|Traceback|Exception ignored", process.log), process.log


def test_site_shows_members_their_page_after_the_log_in(example):
    process, mount = example("site")
    browser = process.browser()
    away = browser.get(f"{mount}/members")
    assert away.status == 302
    form = browser.get(away.headers["Location"])
    token = re.search(r'name="_xsrf"[^>]*value="([^"]*)"', form.text)[1]
    wrong = browser.post(away.headers["Location"], {"user": "alpha", "password": "wrong", "_xsrf": token})
    assert wrong.status == 401
    right = browser.post(away.headers["Location"], {"user": "alpha", "password": "alpha", "_xsrf": token})
    assert right.status == 302
    assert right.headers["Location"].endswith(f"{mount}/members")
    assert "Welcome back, alpha" in browser.get(f"{mount}/members").text
    assert "Log out alpha" in browser.get(f"{mount}/").text
    assert browser.get(f"{mount}/members").headers["Content-Type"] == "text/html; charset=UTF-8"
    assert browser.get(f"{mount}/logout").status == 302
    assert browser.get(f"{mount}/members").status == 302
    for folder in ("", "/app"):
        assert process.get(f"{folder}/members.tmpl").status in (403, 404)


def test_api_adds_numbers_and_names_what_is_none(example):
    process, mount = example("api")
    assert process.get(f"{mount}/add?x=1&x=2.5&x=tea").json() == {"sum": 3.5, "refused": ["tea"]}


def test_api_tells_all_open_pages(example):
    process, mount = example("api")
    url = f"ws://127.0.0.1:{process.port}{mount}/live"

    async def talk():
        one, two = await websocket_connect(url), await websocket_connect(url)
        await one.write_message("good morning")
        heard = [json.loads(await asyncio.wait_for(each.read_message(), 20)) for each in (one, two)]
        posted = await asyncio.to_thread(process.post, f"{mount}/entries", {"text": "by a program"})
        later = json.loads(await asyncio.wait_for(two.read_message(), 20))
        one.close()
        two.close()
        return heard, posted.json(), later

    heard, posted, later = asyncio.run(talk())
    assert [each["text"] for each in heard] == ["good morning", "good morning"]
    assert later == posted
    assert [each["text"] for each in process.get(f"{mount}/entries").json()] == ["by a program", "good morning"]


def test_two_apps_in_one_instance_keep_their_names(serve, tmp_path):
    shutil.copytree(EXAMPLES / "shared", tmp_path / "app")
    mounts = {
        name: {"path": f"{name}/gramex.yaml", "YAMLURL": f"/{name}/", "namespace": ["url"]} for name in ("one", "two")
    }
    process = serve({"import": mounts}, folder=tmp_path / "app")
    assert [process.get(f"/{name}/clock").json()["app"] for name in ("one", "two")] == ["one", "two"]
    assert "App two" in process.get("/two/").text
    assert "Duplicate" not in process.log
