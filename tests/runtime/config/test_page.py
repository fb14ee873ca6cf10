"""The deployment page's own examples, as an operator would paste them, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import gramex

Serve = Callable[..., Any]

APP = """
url:
    page-name:
        pattern: /$YAMLURL/page         # Note the /$YAMLURL prefix
        handler: FileHandler
        kwargs:
            path: $YAMLPATH/page.html   # Note the $YAMLPATH prefix
    new-name:
        pattern: /$YAMLURL/../new-app-name/page
        handler: FileHandler
        kwargs:
            path: $YAMLPATH/page.html
    auth/simple:
        pattern: /$YAMLURL/simple
        handler: SimpleAuth
        kwargs:
            credentials: {alpha: alpha}
            redirect: {url: /$YAMLURL/}        # Note the $YAMLURL here
"""


def statuses(app: Any, *paths: str) -> Mapping[str, int]:
    return {path: app.get(path).status for path in paths}


def test_relative_urls_from_the_app_s_folder(serve: Serve) -> None:
    app = serve(APP, {"page.html": "the page"})
    assert app.get("/page").text == "the page"
    assert app.get("/app/page").status == 404


def test_relative_urls_from_the_folder_above(serve: Serve) -> None:
    parent = "import: */gramex.yaml   # Import all gramex.yaml from 1st-level sub-directories\n"
    app = serve(parent, {"app/gramex.yaml": APP, "app/page.html": "the page"})
    assert app.get("/app/page").text == "the page"
    assert app.get("/new-app-name/page").text == "the page"
    assert app.get("/page").status == 404


@pytest.mark.parametrize(("above", "home"), [(False, "/"), (True, "/app/")])
def test_log_in_leads_to_the_app_s_home(serve: Serve, above: bool, home: str) -> None:
    files = {"app/gramex.yaml": APP, "app/page.html": ""} if above else {}
    app = serve("import: app/gramex.yaml" if above else APP, files)
    browser = app.browser()
    url = f"{home}simple"
    token = browser.get(url).text.partition('name="_xsrf" value="')[2].partition('"')[0]
    answer = browser.post(url, {"user": "alpha", "password": "alpha", "_xsrf": token})
    assert answer.status == 302
    location = answer.headers["Location"].replace("/./", "/")
    assert location == home


ROOT = """
variables:
    APP_ROOT: $YAMLURL       # Pre-define APP_ROOT as the absolute URL to gramex.yaml's directory

url:
    deploy-url:
        pattern: /$YAMLURL/url/(.*)               # Any URL under this directory
        handler: FileHandler                      # is rendered as a FileHandler
        kwargs:
            path: $YAMLPATH/template.html         # Using this template
            transform:
                "template.html":
                    # Convert to a Tornado template
                    # Pass the template the APP_ROOT variable
                    function: template(content, APP_ROOT="$APP_ROOT")
"""
TEMPLATE = '<link rel="stylesheet" href="/{{ APP_ROOT }}/style.css">'


@pytest.mark.parametrize("path", ["url/main", "url/main/sub", "url/main/sub/third"])
def test_a_template_knows_where_its_app_is(serve: Serve, path: str) -> None:
    app = serve("import: deploy/guide.yaml", {"deploy/guide.yaml": ROOT, "deploy/template.html": TEMPLATE})
    assert app.get(f"/deploy/{path}").text == '<link rel="stylesheet" href="/deploy/style.css">'


def test_a_component_in_a_folder(serve: Serve) -> None:
    component = """
url:
    relative-url:
        # This pattern: translates to /app/component/index.html
        # Note: leading slash (/) before $YAMLURL is REQUIRED
        pattern: /$YAMLURL/index.html
        handler: FileHandler
        kwargs:
            path: $YAMLPATH/        # This translates to /app/component/
    app-home:
      pattern: /$YAMLURL/
      handler: FileHandler
      kwargs:
        path: $YAMLPATH/index.html        # Path is relative to this directory
    gramex-config-file:
        pattern: /$YAMLURL/config           # Map config under current URL
        handler: FileHandler
        kwargs:
            path: $GRAMEXPATH/gramex.yaml   # to the core Gramex config file
"""
    app = serve(
        "import: component/gramex.yaml", {"component/gramex.yaml": component, "component/index.html": "component"}
    )
    assert app.get("/component/").text == "component"
    packaged = Path(gramex.__file__).parent / "gramex.yaml"
    assert app.get("/component/config").text == packaged.read_text(encoding="utf-8")
    assert statuses(app, "/gramex.yaml", "/component/gramex.yaml") == {
        "/gramex.yaml": 403,
        "/component/gramex.yaml": 403,
    }


def test_the_second_of_two_handlers_of_one_name_is_ignored(serve: Serve) -> None:
    entry = "url: {{data: {{pattern: /$YAMLURL/data, handler: FunctionHandler, kwargs: {{function: '\"{0}\"'{1}}}}}}}"
    app = serve(
        "import: [app1/gramex.yaml, app2/gramex.yaml]",
        {"app1/gramex.yaml": entry.format("one", ""), "app2/gramex.yaml": entry.format("two", ", auth: true")},
    )
    assert app.get("/app1/data").text == "one"  # and not 302: the auth: of the other stayed out
    assert app.get("/app2/data").status == 404
    app.wait_log("Duplicate key: url.data")


def test_two_entries_of_one_name_in_one_file(serve: Serve) -> None:
    app = serve(
        """
url:            # THIS IS WRONG!
    data:       # This is defined by app1 -- only this config is loaded
        pattern: /one
        handler: FunctionHandler
        kwargs: {function: '"one"'}
    data:       # This is defined by app2 -- this is ignored with a warning in the log
        pattern: /two
        handler: FunctionHandler
        kwargs: {function: '"two"'}
"""
    )
    assert app.get("/one").text == "one"
    assert app.get("/two").status == 404
    app.wait_log("Duplicate key: url.data")


IMPORTS = """
import:
    app1/ui:                                # app1
        {namespace}
        path: $APPS/ui/gramex.yaml          # imports UI components
        YAMLURL: $YAMLURL/app1/ui/          # at /app1/ui/
    app2/ui:                                # app2
        {namespace}
        path: $APPS/ui/gramex.yaml
        YAMLURL: $YAMLURL/app2/ui/
variables:
    APPS: $YAMLPATH/apps
"""
UI = {
    "apps/ui/gramex.yaml": "url:\n  ui: {pattern: /$YAMLURL/page, handler: FileHandler, kwargs: {path: $YAMLPATH/x}}",
    "apps/ui/x": "ui",
}


def test_an_import_conflict(serve: Serve) -> None:
    app = serve(IMPORTS.format(namespace="# none"), UI)
    assert statuses(app, "/app1/ui/page", "/app2/ui/page") == {"/app1/ui/page": 200, "/app2/ui/page": 404}
    app.wait_log("Duplicate key: url.ui")


def test_a_namespace_avoids_it(serve: Serve) -> None:
    app = serve(IMPORTS.format(namespace="namespace: [url]  # ensures that url: section names are unique"), UI)
    assert [app.get(path).text for path in ("/app1/ui/page", "/app2/ui/page")] == ["ui", "ui"]
    assert "Duplicate" not in app.log


def test_works_locally_and_in_a_shared_deployment(serve: Serve) -> None:
    files = {"app/gramex.yaml": APP, "app/page.html": "page"}
    shared = serve("import: app/gramex.yaml", files)
    alone = serve(None, folder=shared.folder / "app")
    assert shared.get("/app/page").text == alone.get("/page").text == "page"


def test_no_gramex_yaml_is_the_documentation(serve: Serve) -> None:
    app = serve(None)
    answer = app.get("/")
    assert answer.status == 200
    assert "Gramex" in answer.text
    assert app.get("/configuration").status == 200
