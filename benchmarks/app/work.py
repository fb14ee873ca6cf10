"""Functions of the measured app. The peers call the same ones."""


def rows(handler):
    """Twenty objects, one of their values from an argument."""
    factor = int(handler.get_argument("factor", "1"))
    return {"rows": [{"id": number, "name": f"row {number}", "value": number * factor} for number in range(20)]}


def greet(handler):
    """Greet the user."""
    return "<h1>Hello {}</h1>".format(handler.current_user["id"])
