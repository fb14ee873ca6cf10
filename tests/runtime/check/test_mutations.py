"""Odd values anywhere in a configuration that uses much are told in a line each, and nothing is raised.

A sample each time, of the same seed; GRAMEX_TEST_MUTATIONS=5000 tries more.
"""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gramex.check.configuration import check_configuration

COUNT = int(os.environ.get("GRAMEX_TEST_MUTATIONS", "60"))
ODD: list[Any] = [5, -1, 1.5, True, None, "x", "", "$$", "{{", "(", "\0", [1], [[]], ["x", None], {"a": 1}, {1: 2}]
# What the messages of Python's own errors look like.
OURS = ("object has no attribute", "is not iterable", "not subscriptable", "unhashable", "Traceback", "keywords must")
WHOLE = """
version: 1.0
variables: {A: 1, B: {default: 2}, C: {function: 1 + 1, default: 3}}
import: {x: {path: other.yaml, namespace: [url], YAMLURL: /x}}
mime: {.foo: text/x}
threadpool: {workers: 4}
cache: {memory: {type: memory, size: 100}, disk: {type: disk, path: kept, size: 5}}
handlers: {BaseHandler: {headers: {X: y}, error: {404: {path: a.html}}}, FileHandler: {ignore: ['*.x'], allow: ['*.y']}}
log: {loggers: {gramex: {level: INFO, handlers: [console]}}, root: {handlers: [console]}}
app:
  listen: {port: 80, address: 127.0.0.1, processes: 1, health: /, drain: 3, trusted: [unix], watchdog: 3}
  admin: {port: 81}
  settings: {login_url: /l, xsrf_cookies: true, xsrf_cookie_kwargs: {httponly: true}, serve_traceback: false}
  session: {type: sqlite, path: s.db, cookie: sid, expiry: 3, purge: 5, samesite: Lax, secure: false, domain: x.org}
  auth: {login_url: /x}
email: {e: {type: smtp, host: localhost, port: 25, email: a@b.c, tls: false, timeout: 5}}
alert: {a: {service: e, to: a@b.c, cc: [c@d.e], subject: s, markdown: m, data: {d: [1]}, each: d, every: 1h}}
schedule: {s: {function: str(1), args: [1], startup: true, minutes: 5, weekdays: mon, utc: true, thread: true}}
watch: {w: {paths: [a.html], on_modified: str(1), on_any_event: {function: str(2)}}}
url:
  f:
    pattern: /f/(.*)
    priority: 3
    handler: FileHandler
    kwargs:
      path: .
      index: true
      index_template: a.html
      default_filename: [a.html]
      headers: {X: y, '*.html': {Y: z}}
      template: ['*.html']
      transform: {'*.x': {function: str(content), encoding: utf-8, headers: {A: b}}}
      error: {404: {path: a.html, autoescape: true, whitespace: oneline, headers: {A: b}}}
      methods: [GET]
      auth: {login_url: /x, query: n, membership: [{a.b: [1]}], condition: {function: 'True'}, template: a.html}
      cors: {origins: ['*'], methods: [GET], headers: [X]}
      ratelimit: {keys: [hourly, user], limit: 5}
      cache: {key: [request.uri], store: memory, expiry: {duration: 5}, status: [200]}
      validate: {function: 'True', code: 400, reason: r}
      redirect: {query: n, header: h, url: /u, external: true}
  m: {pattern: /m, handler: FileHandler, kwargs: {path: {'': a.html}, default: {a: b}}}
  g: {pattern: /g, handler: FunctionHandler, kwargs: {function: [{name: a, function: '1'}, {function: a}], args: [1]}}
  s: {pattern: /s, handler: SimpleAuth, kwargs: {credentials: {a: b}, user: {arg: u}, action: [{function: '1'}]}}
  w: {pattern: /w, handler: WebSocketHandler, kwargs: {on_message: {function: '1'}, origins: [a.b]}}
  u: {pattern: /u, handler: UploadHandler, kwargs: {path: up, keys: {file: [f]}, if_exists: unique}}
  p: {pattern: /p/(.*), handler: ProxyHandler, kwargs: {url: 'http://x/{0}', request_headers: {X: y}, default: {a: b}}}
  r: {pattern: /r/(.*), handler: RedirectHandler, kwargs: {url: '/x/{0}'}}
"""


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value at any depth."""
    if path:
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(each, (*path, key))


def changes() -> list[tuple[tuple[Any, ...], Any]]:
    every = [(path, odd) for path in paths(yaml.safe_load(WHOLE)) for odd in ODD]
    return random.Random(3).sample(every, min(COUNT, len(every)))


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAMEXDATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.yaml").write_text("url: {z: {pattern: /z, handler: FunctionHandler, kwargs: {function: '1'}}}\n")
    (tmp_path / "a.html").write_text("x")
    return tmp_path


def check(app: Path, conf: Any) -> list[str]:
    (app / "gramex.yaml").write_text(yaml.safe_dump(conf, sort_keys=False, allow_unicode=True))
    return [str(each) for each in check_configuration(app)]


def test_odd_values_anywhere(app: Path) -> None:
    assert check(app, yaml.safe_load(WHOLE)) == []
    for path, odd in changes():
        conf = place = yaml.safe_load(WHOLE)
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = copy.deepcopy(odd)
        # The texts about `log:` are those of Python's logging.
        found = [each for each in check(app, conf) if not each.startswith("log: ")]
        assert not [each for each in found if any(word in each for word in OURS)], (path, odd, found)


def test_settings_that_tornado_takes_for_something_else(app: Path) -> None:
    settings = {1: 2, "transforms": 5, "handlers": "x", "default_host": 3, "own": {"a": 1}}
    assert check(app, {"app": {"settings": settings}}) == []
