"""Logs out."""

from __future__ import annotations

from typing import Any

from gramex.handlers.login import AuthHandler


class LogoutHandler(AuthHandler):
    """Makes the session nobody's, and sends people on."""

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Log out; works for those who are not logged in, too."""
        await self.run_actions()
        self.log_out(self.user_key)
        await self.store_session()
        self.redirect(self.next_url() or self.outer_path("/"))

    post = get
