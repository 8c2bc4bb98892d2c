"""The guard that keeps a test process on loopback.

An audit hook sees every connection of the interpreter, also those of C code under `socket`. The
hook cannot be removed again, so it is installed once and stays for the life of the process.
"""

from __future__ import annotations

import ipaddress
import sys

_WATCHED = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}
_LOCAL_NAMES = {"localhost", "", None}

escapes: list[str] = []  # what was refused; the guarding fixture fails the test that did it


class LeftLoopback(RuntimeError):
    """A test tried to reach a host other than this one. Not an OSError: nothing may retry it."""


def install() -> None:
    """Refuse, from now on, every connection and name look-up that leaves this machine."""
    sys.addaudithook(_refuse_strangers)


def _refuse_strangers(event: str, arguments: tuple[object, ...]) -> None:
    position = _WATCHED.get(event)
    if position is None:
        return
    address = arguments[position]
    host = address[0] if isinstance(address, tuple) and address else address
    if event != "socket.getaddrinfo" and not isinstance(address, tuple):
        return  # a path: a socket of the local machine
    if not is_local(host):
        escapes.append(f"{event} {host!r}")
        raise LeftLoopback(f"a test reaches beyond loopback: {event} {host!r}")


def is_local(host: object) -> bool:
    """Tell whether a host name or address is this machine itself."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in _LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
