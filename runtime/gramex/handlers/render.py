"""What ``self.render('page.html')`` and ``{% module Template('part.html') %}`` find, and how they render it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tornado import web
from tornado.web import RequestHandler

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.handlers.application import Application

RENDERING = (web.__file__, __file__)


class RenderMixin(RequestHandler):
    """Renders files by name: of ``app.settings.template_path``, of the start folder, then beside the file that asks."""

    application: Application
    loaded: ClassVar[Loaded]

    def render_string(self, template_name: str, **kwargs: Any) -> bytes:
        """Return a template rendered with the handler's names and `kwargs`. A changed file is read again.

        Raises:
            OSError: there is no such file.
            Exception: what the template raises.
        """
        path = self.find_template(template_name)
        template = self.application.templates.get(path, os.stat(path))  # noqa: PTH116  pathlib costs more
        return template.generate(**{**self.get_template_namespace(), **kwargs})

    def find_template(self, name: str) -> str:
        """Return the absolute path of a template; that in the start folder where there is none at all."""
        first = self.loaded.folder / (self.get_template_path() or "")
        frame = sys._getframe(1)
        while frame.f_code.co_filename in RENDERING and frame.f_back is not None:
            frame = frame.f_back
        found = (first / name, Path(frame.f_code.co_filename).parent / name)
        return os.path.normpath(next((each for each in found if each.is_file()), found[0]))
