"""RedirectHandler: sends visitors to another URL."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any, ClassVar
from urllib.parse import quote, urljoin

from tornado.web import HTTPError

from gramex.handlers.base import BaseHandler
from gramex.handlers.redirect import encoded_url

SITE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")
QUERY = "!$&'()*+,;=:@/?~%[]"  # what a query may hold as it is


class RedirectHandler(BaseHandler):
    """Answers with the status 301, or 302 with ``permanent: false``, and the place to go."""

    url: ClassVar[str]
    permanent: ClassVar[bool]
    site: ClassVar[str]  # the scheme and host that url begins with, '' for none

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take ``url``, with ``{0}`` or ``{name}`` for groups of the pattern, and ``permanent``.

        Raises:
            ValueError: there is no URL, or one with a mistake.
        """
        super().setup(**kwargs)
        url = kwargs.get("url")
        if not isinstance(url, str) or not url.strip() or re.search(r"[\x00-\x1f\x7f\\]", url):
            raise ValueError(f"url: must be a URL such as /new/{{0}}, not {url!r}")
        url = encoded_url(url)
        try:
            fields = [field for _, field, _, _ in Formatter().parse(url) if field is not None]
        except ValueError as error:
            raise ValueError(f"url: {url!r}: {error}") from None
        if not all(field.isdigit() or field.isidentifier() for field in fields):
            raise ValueError(f"url: {url!r}: use {{0}} for the first group, {{name}} for a named one")
        cls.url, cls.permanent = url, kwargs.get("permanent", True) is not False
        found = SITE.match(url)
        cls.site = found[0] if found else ""

    def get(self, *path_args: str, **path_kwargs: str) -> None:
        """Redirect; the query goes along."""
        safe = "/!$&'()*+,;=:@~" if "{" not in self.site else ""  # a group in the host must not change where it ends
        try:
            url = self.url.format(
                *[quote(group or "", safe) for group in path_args],
                **{name: quote(group or "", safe) for name, group in path_kwargs.items()},
            )
        except (IndexError, KeyError):
            raise HTTPError(500, "url: %s: the pattern has no such group", self.url) from None
        if not self.site:
            # "//host" is another site, whatever the visitor put into a group
            url = re.sub(r"^/{2,}", "/", url)
            url = self.outer_path(url) if url.startswith("/") else urljoin("/" + self.outer_uri.lstrip("/"), url)
        if self.request.query:
            path, mark, fragment = url.partition("#")
            url = f"{path}{'&' if '?' in path else '?'}{quote(self.request.query, QUERY)}{mark}{fragment}"
        self.set_own_headers()
        self.redirect(url, permanent=self.permanent)

    head = post = put = delete = patch = options = get
