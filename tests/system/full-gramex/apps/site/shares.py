"""What the pages ask of the numbers."""


def with_share(data):
    """Add each row's share of all."""
    data["share"] = data["amount"] / data["amount"].sum()
    return data
