"""An app as people generate them for Gramex: what nearly all of them say in their gramex.yaml works together."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

CONF = """
# the home page is for those who are logged in
url:
  shop-home:
    pattern: /$YAMLURL/
    handler: FileHandler
    kwargs:
      path: $YAMLPATH/start.html
      auth: {login_url: /$YAMLURL/login/}
      template: ['start.html', 'part-*.html']
      headers: {Cache-Control: 'private, max-age=1'}
    cache: {expiry: {duration: 1}}
  shop-news:
    pattern: /$YAMLURL/news
    handler: FunctionHandler
    kwargs: {function: shop.news, headers: {Content-Type: application/json}}
    cache: {expiry: {duration: 1000}}
  shop-login:
    pattern: /$YAMLURL/login/
    handler: SimpleAuth
    kwargs:
      template: $YAMLPATH/login.html
      credentials: {alpha: alpha, beta: beta}
      delay: 0
  shop-logout:
    pattern: /$YAMLURL/logout/
    handler: LogoutHandler
  shop-data:
    pattern: /$YAMLURL/data
    handler: FormHandler
    kwargs: {url: $YAMLPATH/assets/data/tea.csv}
  shop-model:
    pattern: /$YAMLURL/predict
    handler: MLHandler
    kwargs: {config_dir: $YAMLPATH, xsrf_cookies: false}

test:
  auth: {user: alpha, password: alpha}

import:
  deploy if socket.gethostname() in {'YOUR-SERVER'}: $GRAMEXPATH/deploy.yaml
  ui:
    path: $GRAMEXAPPS/ui/gramex.yaml
    YAMLURL: $YAMLURL/ui/
  admin:
    path: $GRAMEXAPPS/admin2/gramex.yaml
    YAMLURL: /$YAMLURL/admin/
    ADMIN_KWARGS: {title: Admin, theme: '?body-bg=white&x=rgba(255%2C255)'}

handlers:
  BaseHandler:
    error:
      401: {path: $YAMLPATH/error/401.html}
      404: {path: $YAMLPATH/error/404.html}
"""
FILES = {
    "start.html": (
        "{% set base = '.' %}{% include part-menu.html %}{% from gramex import conf %}"
        "<p>{{ conf.app.session.cookie }}</p><script src='ui/jquery/dist/jquery.min.js'></script>"
    ),
    "part-menu.html": (
        "{% set user = handler.current_user or {} %}"
        "{% if user %}<a href='{{ base }}/logout/'>{{ user.get('id') }} {{ user.id }}</a>{% end %}"
    ),
    "login.html": (
        "{% if error %}<b>{{ error['error'] }}</b>{% end %}<form method='POST'><input name='user'>"
        '<input type="hidden" name="_xsrf" value="{{ handler.xsrf_token }}"></form>'
    ),
    "shop.py": "count = 0\n\ndef news(handler):\n    global count\n    count += 1\n    return [count]\n",
    "error/401.html": "own {{ status_code }}",
    "error/404.html": "own {{ status_code }} {{ handler.request.path }}",
    "assets/data/tea.csv": "tea,price\ngreen,3\nblack,2\n",
    "README.md": "# Shop\n",
}


@pytest.fixture(scope="module")
def app(serve_module: Callable[..., Any]) -> Any:
    return serve_module(CONF, FILES)


def test_the_home_page_is_for_those_who_are_logged_in(app: Any) -> None:
    browser = app.browser()
    away = browser.get("/")
    assert (away.status, away.headers["Location"].partition("?")[0]) == (302, "/login/")
    asked_by_script = browser.get("/", headers={"X-Requested-With": "XMLHttpRequest"})
    assert (asked_by_script.status, asked_by_script.text) == (401, "own 401")
    form = browser.get(away.headers["Location"])
    token = re.search('value="([^"]+)"', form.text)
    assert token
    wrong = browser.post("/login/", {"user": "alpha", "password": "beta", "_xsrf": token[1]})
    assert (wrong.status, "<b>Cannot log in</b>" in wrong.text) == (401, True)
    right = browser.post("/login/", {"user": "alpha", "password": "alpha", "_xsrf": token[1]})
    assert (right.status, right.headers["Location"]) == (302, f"{app.url}/")
    home = browser.get("/")
    assert "<a href='./logout/'>alpha alpha</a><p>sid</p>" in home.text
    assert home.headers["Cache-Control"] == "private, max-age=1"
    assert "alpha" not in app.get("/").text
    assert browser.get("/logout/").status == 302
    assert browser.get("/").status == 302


def test_other_pages(app: Any) -> None:
    assert app.get("/news").json() == app.get("/news").json()
    assert app.get("/data?_sort=price&_c=tea").json() == [{"tea": "black"}, {"tea": "green"}]
    assert app.get("/README.md").text == "# Shop\n"
    assert app.get("/nosuch").text == "own 404 /nosuch"
    assert app.get("/ui/jquery/dist/jquery.min.js").status == 302
    assert app.get("/gramex.yaml").status == app.get("/shop.py").status == 403
    assert app.get("/predict").status == 501
    assert "Missing config" in app.log
    assert "No service named" not in app.log
