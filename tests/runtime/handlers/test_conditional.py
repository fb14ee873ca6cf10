"""If-None-Match, If-Modified-Since, If-Range and Range."""

import pytest
from tornado.httputil import HTTPHeaders

from gramex.handlers.conditional import is_failed, is_not_modified, wanted_part

TIME = 1_600_000_000.7
DATE = "Sun, 13 Sep 2020 12:26:40 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"If-None-Match": '"x"'}, True),
        ({"If-None-Match": 'W/"x"'}, True),
        ({"If-None-Match": '"a", "x"'}, True),
        ({"If-None-Match": "*"}, True),
        ({"If-None-Match": '"y"'}, False),
        ({"If-None-Match": "x"}, False),
        ({"If-Modified-Since": DATE}, True),
        ({"If-Modified-Since": "Sun, 13 Sep 2020 12:26:39 GMT"}, False),
        ({"If-Modified-Since": "Sun, 13 Sep 2030 12:26:39 GMT"}, True),
        ({"If-Modified-Since": "yesterday"}, False),
        ({"If-Modified-Since": "Sun, 99 Sep 99999 12:26:39 GMT"}, False),
        ({"If-None-Match": '"y"', "If-Modified-Since": DATE}, False),
    ],
)
def test_not_modified(headers, expected):
    assert is_not_modified(HTTPHeaders(headers), '"x"', TIME) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"If-Match": '"x"'}, False),
        ({"If-Match": 'W/"x"'}, False),
        ({"If-Match": '"a", "x"'}, False),
        ({"If-Match": "*"}, False),
        ({"If-Match": '"y"'}, True),
        ({"If-Match": "x"}, True),
        ({"If-Unmodified-Since": DATE}, False),
        ({"If-Unmodified-Since": "Sun, 13 Sep 2020 12:26:39 GMT"}, True),
        ({"If-Unmodified-Since": "yesterday"}, False),
        ({"If-Match": '"x"', "If-Unmodified-Since": "Sun, 13 Sep 2020 12:26:39 GMT"}, False),
    ],
)
def test_failed(headers, expected):
    assert is_failed(HTTPHeaders(headers), '"x"', TIME) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=5-100", (5, 10)),
        ("BYTES = 1-2 ", (1, 3)),
        ("bytes=10-", False),
        ("bytes=-0", False),
        ("bytes=3-2", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=99999999999999999999999-", None),
    ],
)
def test_range(text, expected):
    assert wanted_part(HTTPHeaders({"Range": text}), 10, '"x"', TIME) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('"x"', (0, 1)),
        ('"y"', None),
        ('W/"x"', None),
        (DATE, (0, 1)),
        ("Sun, 13 Sep 2020 12:26:39 GMT", None),
        ("?", None),
    ],
)
def test_if_range(condition, expected):
    assert wanted_part(HTTPHeaders({"Range": "bytes=0-0", "If-Range": condition}), 10, '"x"', TIME) == expected


def test_range_of_an_empty_file_cannot_be():
    assert wanted_part(HTTPHeaders({"Range": "bytes=0-0"}), 0, '"x"', TIME) is False
