"""Starts the app in the current folder on the full Gramex, at ADDRESS:PORT. Written by the gramex role.

Its own command takes no option for what has to be different here, so its function `gramex.init` is called with one more
layer of configuration, which holds over all others. Nothing is sent to its makers, and cookies are signed by a key of
this installation: the one that it comes with is known to everybody.
"""

import os
import secrets
import sys
from pathlib import Path

os.environ.setdefault("NO_COLOR", "1")  # the journal is no terminal
sys.path[0] = str(Path.cwd())  # the app's modules, not what lies beside this file


def key(data: Path) -> str:
    """Return the key that signs cookies: the environment's, else that of the data folder, made at the first start."""
    if given := os.environ.get("GRAMEX_COOKIE_SECRET"):
        return given
    place = data / "cookie.key"
    try:
        made = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(made, secrets.token_hex(32).encode())
        os.close(made)
    except FileExistsError:
        pass
    return place.read_text(encoding="ascii").strip()


def chosen() -> bool:
    """Whether the app's own gramex.yaml has a key for cookies, which then holds."""
    import yaml

    try:
        settings = yaml.safe_load(Path("gramex.yaml").read_bytes())["app"]["settings"]
        return bool(settings["cookie_secret"])
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return False


def main() -> None:
    """Serve until told to stop."""
    address, _, port = sys.argv[1].rpartition(":")
    app = {"listen": {"address": address, "port": int(port)}, "browser": False}
    if not chosen():
        app["settings"] = {"cookie_secret": key(Path(os.environ["GRAMEXDATA"]))}
    from orderedattrdict import AttrDict

    import gramex

    # The schedule is what tells its makers of host, folder and command line, at each start and daily.
    gramex.init(cmd=AttrDict({"app": AttrDict(app), "schedule": AttrDict(gramex_update=None)}))


if __name__ == "__main__":
    main()
