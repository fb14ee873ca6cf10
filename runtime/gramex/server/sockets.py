"""Finds or makes the listening sockets: inherited ones, a UNIX socket, or a TCP port."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gramex.config import Loaded
from gramex.server.errors import StartError, mistake
from gramex.server.worker import is_supervised

FIRST_INHERITED = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)
BACKLOG = 1024  # connections that wait to be accepted; the kernel caps it at net.core.somaxconn
PORT = 9988
UNIX_MODE = 0o660
LONGEST_PATH = 103  # bytes: sun_path has 108 on Linux and 104 elsewhere, with a final NUL


class Listener:
    """One listening socket. `shared` says that other processes hold it too, so that closing it here refuses nobody."""

    def __init__(self, sock: socket.socket, shared: bool = False):
        """Take a socket that is bound, and listens if it is inherited."""
        sock.setblocking(False)
        self.sock, self.shared = sock, shared

    @property
    def unix(self) -> bool:
        """True for a UNIX socket: only the proxy of this host speaks there, so it is never TLS."""
        return self.sock.family == getattr(socket, "AF_UNIX", None)

    def open(self) -> None:
        """Let the kernel take connections.

        Raises:
            StartError: another process listens there by now.
        """
        try:
            self.sock.listen(BACKLOG)
        except OSError as error:
            raise StartError(_busy(self.sock.getsockname(), error), busy=is_taken(error)) from None

    def withdraw(self) -> None:
        """Let nobody new find the socket; what waits can still be accepted."""

    def close(self) -> None:
        """Close this process's hold on the socket."""
        self.sock.close()

    def __str__(self) -> str:
        name = self.sock.getsockname()
        if self.unix:
            return f"unix:{name.decode(errors='replace') if isinstance(name, bytes) else name}"
        host = f"[{name[0]}]" if ":" in name[0] else name[0]
        return f"{host}:{name[1]}"


class UnixListener(Listener):
    """A UNIX socket of our own, mode 0660: it takes its path only when it can be served, and removes only its own."""

    def __init__(self, path: Path):
        """Check the path.

        Raises:
            StartError: the folder cannot be used, the path is too long, not a socket, or another process serves it.
        """
        self.path = path
        self.identity: tuple[int, int] | None = None
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise StartError(_unix_trouble(path, OSError(errno.ENAMETOOLONG, "too long")))
        _refuse_taken(path)
        super().__init__(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))

    def open(self) -> None:
        """Bind beside the path, then rename: a client sees the old socket or one that answers, never none."""
        draft = self.path.with_name(f".{self.path.name[:8]}.{os.getpid()}")
        try:
            with _locked(self.path.parent):
                _refuse_taken(self.path)
                draft.unlink(missing_ok=True)
                self.sock.bind(str(draft))
                draft.chmod(UNIX_MODE)
                self.sock.listen(BACKLOG)
                draft.rename(self.path)
                status = self.path.stat()
                self.identity = (status.st_dev, status.st_ino)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise StartError(_unix_trouble(self.path, error)) from None

    def withdraw(self) -> None:
        """Remove the path, unless another process has put its own socket there."""
        with contextlib.suppress(OSError):
            status = self.path.stat()
            if self.identity == (status.st_dev, status.st_ino):
                self.path.unlink()

    def close(self) -> None:
        """Remove the path and close the socket."""
        self.withdraw()
        super().close()

    def __str__(self) -> str:
        return f"unix:{self.path}"


def open_listeners(loaded: Loaded) -> list[Listener]:
    """Return the sockets to serve: the inherited ones, else ``app.listen.unix``, else ``app.listen.port``.

    None of our own takes connections before its `open`.

    Raises:
        StartError: a socket cannot be had.
        ConfigError: a value of ``app.listen`` is none.
    """
    listen: Mapping[str, Any] = (loaded.conf.get("app") or {}).get("listen") or {}
    inherited = inherit_listeners()
    if inherited:
        return inherited
    if listen.get("unix"):
        if not hasattr(socket, "AF_UNIX"):
            raise StartError("There are no UNIX sockets on this system. Use --listen.port=<port>")
        return [UnixListener(loaded.folder / str(listen["unix"]))]
    port = listen.get("port", PORT)
    if isinstance(port, str) and port.isascii() and port.isdigit():
        port = int(port)
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= 65535:
        raise mistake(loaded, f"{port!r} is no port. Use a number from 1 to 65535", "listen", "port")
    address = listen.get("address")
    return bind_port(port, str(address) if address else "")


def inherit_listeners() -> list[Listener]:
    """Return the sockets that the service manager passed on, as sd_listen_fds(3) tells; [] if there are none.

    Raises:
        StartError: a descriptor that was passed is no listening stream socket.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    listeners = []
    for number in range(FIRST_INHERITED, FIRST_INHERITED + int(count)):
        try:
            os.set_inheritable(number, False)
            sock = socket.socket(fileno=number)
            listening = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError as error:
            raise StartError(f"LISTEN_FDS: descriptor {number} is no socket: {error.strerror}") from None
        if sock.type != socket.SOCK_STREAM or not listening:
            sock.detach()
            raise StartError(f"LISTEN_FDS: descriptor {number} does not listen. Use ListenStream= in the socket unit")
        # Supervised processes stop together: each takes what waits, which nobody would serve after them.
        listeners.append(Listener(sock, shared=not is_supervised()))
    return listeners


def bind_port(port: int, address: str = "") -> list[Listener]:
    """Return sockets for a TCP port on an address or host name; '' is all interfaces, IPv4 and IPv6.

    Raises:
        StartError: the port is busy or not allowed, the address is not known or not this machine's.
    """
    try:
        found = socket.getaddrinfo(address or None, port, 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise StartError(f"Address {address} is not known: {error}. Use --listen.address=<address>") from None
    listeners: list[Listener] = []
    skipped: OSError | None = None
    try:
        for family, kind, protocol, _, name in sorted(set(found)):
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:  # a kernel without IPv6
                skipped = error
                continue
            listeners.append(Listener(sock))
            if os.name != "nt":  # where it means that another program may take the port away
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind((name[0], port, *name[2:]))
            except OSError as error:
                # A host that has IPv6 switched off by sysctl makes IPv6 sockets and refuses to bind them.
                if error.errno == errno.EADDRNOTAVAIL and family == socket.AF_INET6 and address in ("", "localhost"):
                    skipped = error
                    listeners.pop().close()
                    continue
                raise StartError(_busy(name, error), busy=is_taken(error)) from None
            port = port or sock.getsockname()[1]  # port 0: the same free one for both families
    except StartError:
        for listener in listeners:
            listener.close()
        raise
    if not listeners:
        raise StartError(f"No address of {address or 'this machine'} can be listened on: {skipped}")
    return listeners


def is_taken(error: OSError) -> bool:
    """True if another process listens there."""
    return error.errno == errno.EADDRINUSE or getattr(error, "winerror", None) == 10048


def _busy(name: Any, error: OSError) -> str:
    host, port = name[0], name[1]
    if is_taken(error):
        return f"Port {port} is busy. Use --listen.port=<new-port>"
    if error.errno == errno.EACCES:
        return f"Port {port} needs privileges that this user does not have. Use --listen.port=<port from 1024 up>"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"Address {host} is none of this machine. Use --listen.address=<address>"
    return f"Port {port} on {host}: {error.strerror or error}"


def _unix_trouble(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    if "too long" in reason:
        reason = "the path is too long for a UNIX socket. Use one of at most 100 characters"
    elif isinstance(error, FileNotFoundError):
        reason = f"there is no folder {path.parent}. Make it first"
    return f"{path}: cannot listen there: {reason}"


def _refuse_taken(path: Path) -> None:
    """Raise StartError if something at `path` is not a socket, or is one that somebody serves."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise StartError(f"{path}: exists and is no socket. Remove it, or use --listen.unix=<other path>")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            probe.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        return
    except TimeoutError:
        pass  # a full backlog: somebody holds it
    except OSError as error:
        if error.errno != errno.EAGAIN:
            raise StartError(_unix_trouble(path, error)) from None
    message = f"{path} is in use by another process. Stop that first, or use --listen.unix=<other path>"
    raise StartError(message, busy=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder: two processes that start at once would both find its socket stale."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
