"""What a request cannot have, as a status and a line for the log."""

from __future__ import annotations


class Refused(Exception):
    """A request that cannot be answered: `status` is that of the answer, the text is for the log alone."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status
