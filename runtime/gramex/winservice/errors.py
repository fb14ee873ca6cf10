"""Says in one line what Windows' service manager means by a number."""

from __future__ import annotations

# Code (winerror.h) -> what it means for the service {name}, and what to do.
MEANINGS = {
    2: "{name}: a file of the service is missing, perhaps its Python was moved. Run update, or remove and install",
    5: "{name}: access denied. Run this in a Command Prompt or PowerShell that was started as administrator",
    1051: "{name}: other running services need it. Stop them first",
    1052: "{name} cannot be stopped in the state that it is in. Try again a little later",
    1053: "{name} did not answer when it was started. Its service.log and the Event Viewer may say why",
    1055: "the list of services is locked by another program. Try again a little later",
    1056: "{name} is running already",
    1057: "{name}: the account, or its password, is not valid. Give --user=DOMAIN\\USER and its password",
    1058: "{name} is disabled. Run update --startup=manual (or auto, delayed) first",
    1060: "{name} is not installed. Run install first",
    1061: "{name} is starting or stopping, and takes no orders meanwhile. Try again a little later",
    1062: "{name} is not running",
    1067: "{name} ended unexpectedly. Its service.log and the Event Viewer may say why",
    1069: "{name}: its account could not log on: wrong password, or no right to log on as a service. Run update --user",
    1072: "{name} is marked for removal: close the Services window and other programs that look at it",
    1073: "{name} is installed already. Run update to change it, or remove first",
    1078: "{name}: another service has that name as its display name. Give another _svc_display_name_",
    1115: "{name}: this machine is shutting down",
    1332: "{name}: there is no such account. Give --user=DOMAIN\\USER",
}


class ServiceError(Exception):
    """What was asked of a service cannot be done; the text is the one line for whoever asked."""


def explain(code: int, name: str, text: str) -> str:
    """Return the line for an error of the service manager; `text` is Windows' own, for those that have no line here."""
    known = MEANINGS.get(code)
    return known.format(name=name) if known else f"{name}: {text.strip().rstrip('.')} (error {code})"
