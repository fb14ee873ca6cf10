"""ProxyHandler: the URL that is asked for."""

import pytest
from tornado.web import HTTPError

from gramex.handlers.proxyurl import ProxyURL, follow, shown

SITE = "http://host:81"


@pytest.mark.parametrize(
    "url",
    [
        None, "", "/path", "ftp://host/", "host/{0}", "http://", "http://{0}/", "http://host{0}", "http://host:{0}/",
        "{0}://host/", "http://{host}/x", "http://a{{b/", "http://host:x/", "http://host/{0.url}", "http://host/{0[a]}",
        "http://host/{", "http://host/\r\nX: y", "http://host\\@evil/{0}", 5,
    ],
)  # fmt: skip
def test_urls_that_are_refused(url):
    with pytest.raises(ValueError, match="url: "):
        ProxyURL(url)


@pytest.mark.parametrize(
    ("template", "group", "asked"),
    [
        ("/a/{0}", "b", "/a/b"),
        ("/a/{0}", "b/c;d=1", "/a/b/c;d=1"),
        ("/a/{0}", "x?y=1#z", "/a/x%3Fy%3D1%23z".replace("%3D", "=")),
        ("/a/{0}", "%2e%2e/x", "/a/%252e%252e/x"),
        ("/a/{0}", "ä b\r\n", "/a/%C3%A4%20b%0D%0A"),
        ("/{0}", "/evil.example/x", "//evil.example/x"),
        ("/{0}", "@evil.example", "/@evil.example"),
        ("?q={0}", "a&b=c", "/?q=a%26b%3Dc"),
        ("/a/{0}#part", None, "/a/"),
        ("/ä/{0}", "x", "/%C3%A4/x"),
    ],
)
def test_groups_stay_in_their_place(template, group, asked):
    assert ProxyURL(SITE + template).make([group], {}, "") == SITE + asked


@pytest.mark.parametrize("group", ["..", "../x", "a/../../x", "a/..", "./x", "..\\x", "a\\..\\x"])
def test_groups_do_not_climb(group):
    with pytest.raises(HTTPError) as error:
        ProxyURL(SITE + "/a/{0}").make([group], {}, "")
    assert error.value.status_code == 400


def test_named_groups():
    assert ProxyURL(SITE + "/{what}/{n}").make((), {"what": "a b", "n": "1"}, "") == SITE + "/a%20b/1"


def test_arguments_win_over_those_of_the_url_and_these_over_default():
    url = ProxyURL(SITE + "/?u=1&v=1", {"d": [1, 2], "u": 0, "w": "ä"})
    assert url.make((), {}, "") == SITE + "/?d=1&d=2&u=1&w=%C3%A4&v=1"
    assert url.make((), {}, "d=3&v=&v=4&_xsrf=t&x=%FF") == SITE + "/?d=3&u=1&w=%C3%A4&v=&v=4&x=%FF"


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("http://h/a/b", "c", "http://h/a/c"),
        ("http://h/a", "/c?d=1#e", "http://h/c?d=1"),
        ("http://h/a", "http://h:80/c", "http://h:80/c"),
        ("http://h/a", "https://h/c", "https://h/c"),
        ("http://u:p@h/a", "http://h/c", "http://u:p@h/c"),
        ("http://h/a", "https://h:444/c", None),
        ("http://h:81/a", "https://h/c", None),
        ("https://h/a", "http://h/c", None),
        ("http://h/a", "//evil/c", None),
        ("http://h/a", "http://evil/c", None),
        ("http://h/a", "http://h@evil/c", None),
        ("http://h/a", "http://x@h/c", None),
        ("http://h/a", "file:///etc/passwd", None),
        ("http://h/a", "http://h:x/", None),
        ("http://h/a", "\\\\evil/c", None),
    ],
)
def test_redirects_stay_on_their_site(url, location, target):
    assert follow(url, location) == target


def test_passwords_are_not_shown():
    assert shown("http://user:secret@h:81/a?b=1") == "http://h:81/a?b=1"
