"""Adds numbers, to show arguments and results."""


def add(handler):
    """Return ``{"sum": ...}`` of all arguments ``x``; anything that is no number is left out and named."""
    numbers, refused = [], []
    for text in handler.args.get("x", []):
        try:
            numbers.append(float(text))
        except ValueError:
            refused.append(text)
    return {"sum": sum(numbers), "refused": refused}
