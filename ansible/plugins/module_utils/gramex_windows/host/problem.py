"""The one error that an operator reads."""


class Problem(Exception):
    """An app cannot be brought about; the text says why, and what would be right."""
