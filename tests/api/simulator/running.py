"""An exchange server in a thread of the test process, and a client that signs its requests."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import requests
import websocket

from api.simulator.credentials import sign
from api.simulator.ports import ApiKey, Json, Row
from api.simulator.server import ExchangeServer

T = TypeVar("T")
PATIENCE = 30.0  # seconds; a loaded machine is slow


@dataclass
class RunningServer:
    """A server that listens, and the loop it runs in."""

    server: ExchangeServer
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return self.server.port

    def call(self, function: Callable[[], T]) -> T:
        """Run a function in the server's thread and return what it returns."""

        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE)

    def rest(
        self,
        method: str,
        path: str,
        *,
        key: ApiKey | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        expires: int | None = None,
    ) -> requests.Response:
        """Send a request to a path that begins with /api/v1, signed when a key is given."""
        sent = {"content-type": "application/json", **(headers or {})}
        if key is not None:
            stamp = str(expires if expires is not None else int(time.time()) + 60)
            signature = sign(key.secret, method, path, stamp, body)
            signed = {"api-key": key.key, "api-expires": stamp, "api-signature": signature}
            sent = {**signed, **sent}
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.request(method, url, data=body, headers=sent, timeout=PATIENCE)

    @contextmanager
    def socket(
        self, query: str = "", headers: dict[str, str] | None = None
    ) -> Iterator[websocket.WebSocket]:
        """Open a WebSocket and read its welcome."""
        url = f"ws://127.0.0.1:{self.port}/realtime{query}"
        client = websocket.create_connection(url, timeout=PATIENCE, header=headers or {})
        try:
            assert "Welcome" in read(client)["info"]  # type: ignore[operator]
            yield client
        finally:
            hang_up(client)


def hang_up(client: websocket.WebSocket) -> None:
    """Close the connection without a word."""
    client.shutdown()  # type: ignore[no-untyped-call] # websocket-client is typed in parts


def read(client: websocket.WebSocket) -> Row:
    """Return the next message."""
    message: Row = json.loads(client.recv())
    return message


def ask(client: websocket.WebSocket, request: Json) -> Row:
    """Send a message and return the next one that comes."""
    client.send(json.dumps(request))
    return read(client)


@contextmanager
def running(server_of: Callable[[], ExchangeServer], port: int = 0) -> Iterator[RunningServer]:
    """Run a server, built in its own thread, for the length of a with block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> ExchangeServer:
        server = server_of()
        await server.start(port)
        return server

    try:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE)
        try:
            yield RunningServer(server, loop)
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
