"""Connections that ask for leave in the very moment before they write.

A request may wait for the budget, for a connection, for an encrypted one: seconds in which a person
may switch automatic trading off. So the permit is looked at when the connection stands and the
first byte would follow, and headers and body follow in one piece. Nothing of a request whose permit
was taken back is written.

They also know whether anything of a request was written. What the libraries raise does not tell: a
proxy's connection that is lost after the request is reported like one that was never made.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import ProxyManager

from api.bitmex.dialing import dial
from common.engine.requests import Permit, check_permit


class Guard:
    """Holds the permit of the request that is being sent; one thread's."""

    def __init__(self) -> None:
        self.permit: Permit | None = None
        self.sending = False  # the request's first byte is about to follow
        self.connecting = False  # what is written now goes to a proxy, none of it is the request
        self.written = False  # something of the request may have left

    def check(self) -> None:
        """Raise Withdrawn when the request may not be written any more."""
        check_permit(self.permit)

    def check_last(self) -> None:
        """Check in the moment before bytes are written."""
        self.sending = True
        try:
            self.check()
        finally:
            self.sending = False
        self.written = self.written or not self.connecting

    @contextmanager
    def reaching_out(self) -> Iterator[None]:
        """While a connection is being made."""
        self.connecting = True
        try:
            yield
        finally:
            self.connecting = False


def _dialled(connection: HTTPConnection) -> socket.socket:
    """Return a connection to the first address that answers, its failures as the library's."""
    seconds = connection.timeout
    patience = seconds if isinstance(seconds, (int, float)) else 60.0
    try:
        return dial(connection._dns_host, connection.port, patience)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        text = f"no answer of {connection.host} within {patience:g} s"
        raise ConnectTimeoutError(connection, text) from error
    except OSError as error:
        raise NewConnectionError(connection, f"no connection: {error}") from error


class GatedAdapter(HTTPAdapter):
    """Makes connections that ask a guard before they write."""

    def __init__(self, guard: Guard) -> None:
        self._pools = _pools_of(guard)
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as inherited
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **options: Any) -> ProxyManager:  # noqa: ANN401
        """Return the pools of connections through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools_of(guard: Guard) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(_OneWrite, HTTPConnection):
        pass

    class Encrypted(_OneWrite, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    Plain.guard = Encrypted.guard = guard
    return {"http": PlainPool, "https": EncryptedPool}


class _OneWrite(HTTPConnection):
    """Writes headers and body at once: between the guard's leave and the last byte lies nothing."""

    guard: Guard
    _held: list[bytes] | None = None  # what the request has been so far; None: none is made

    def _new_conn(self) -> socket.socket:
        return _dialled(self)

    def connect(self) -> None:
        with self.guard.reaching_out():
            super().connect()

    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as inherited
        held: list[bytes] = []
        self._held = held
        try:
            super().request(*args, **options)
        finally:
            self._held = None
        self.send(b"".join(held))

    def send(self, data: Any) -> None:  # noqa: ANN401 - as inherited
        if self._held is not None:
            self._held.append(data)
            return
        if self.sock is None:
            self.connect()
        self.guard.check_last()
        super().send(data)
