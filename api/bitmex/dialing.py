"""Connections to a name with several addresses, some of which may be black holes (RFC 8305).

Where a computer has IPv6 that leads nowhere, the system names it first all the same: then the next
address is tried beside it after a moment, and the first that answers is used.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from typing import Any

NEXT_AFTER = 0.25  # seconds until the next address is tried beside those that do not answer

_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0))
_Address = tuple[socket.AddressFamily, Any]


def dial(host: str, port: int, timeout: float) -> socket.socket:
    """Return a connection to the address that answers first; OSError when none does in time."""
    found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    addresses = _in_turn((family, address) for family, _, _, _, address in found)
    with selectors.DefaultSelector() as waiting:
        try:
            return _first(addresses, waiting, timeout)
        finally:
            for key in list(waiting.get_map().values()):
                key.data.close()


def _first(
    addresses: Iterator[_Address], waiting: selectors.BaseSelector, timeout: float
) -> socket.socket:
    """Try one address after the other, those before it still waiting."""
    deadline = time.monotonic() + timeout
    error: OSError = TimeoutError("timed out")
    more = True
    while (left := deadline - time.monotonic()) > 0:
        address = next(addresses, None)
        more = address is not None
        if address is not None:
            error = _begin(waiting, *address) or error
        if not waiting.get_map():  # there is nothing to wait for, which Windows refuses to do
            if more:
                continue
            break
        for key, _ in waiting.select(min(left, NEXT_AFTER) if more else left):
            waiting.unregister(key.data)
            number = key.data.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not number:
                return _ready(key.data, timeout)
            key.data.close()
            error = OSError(number, os.strerror(number))
    raise error


def encrypted(plain: socket.socket, host: str) -> socket.socket:
    """Return the connection with TLS over it; the certificate must be one of `host`."""
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _in_turn(addresses: Iterable[_Address]) -> Iterator[_Address]:
    """Return addresses with their families in turn, the system's first one first."""
    families: dict[socket.AddressFamily, list[_Address]] = {}
    for each in addresses:
        families.setdefault(each[0], []).append(each)
    turns = chain.from_iterable(zip_longest(*families.values()))
    return (each for each in turns if each is not None)


def _begin(
    waiting: selectors.BaseSelector,
    family: socket.AddressFamily,
    address: Any,  # noqa: ANN401 - as the system writes it
) -> OSError | None:
    """Begin to connect; return what failed at once."""
    try:
        tried = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # this system does not have the family
        return error
    tried.setblocking(False)
    number = tried.connect_ex(address)
    if number not in _UNDER_WAY:
        tried.close()
        return OSError(number, os.strerror(number))
    waiting.register(tried, selectors.EVENT_WRITE, tried)
    return None


def _ready(tried: socket.socket, timeout: float) -> socket.socket:
    tried.settimeout(timeout)
    tried.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tried.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return tried
