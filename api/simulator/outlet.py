"""The way out of one WebSocket: a bounded queue and the task that empties it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from aiohttp import web

log = logging.getLogger(__name__)

MAX_QUEUED = 16 * 1024 * 1024  # characters that may wait for a slow client


class SocketOutlet:
    """Sends texts in order without making the exchange wait for the client.

    A client that lets more than MAX_QUEUED wait is cut off: it must not cost memory without end,
    and what it would still read is old.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        *,
        max_queued: int = MAX_QUEUED,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._max_queued = max_queued
        self._texts: deque[str] = deque()
        self._queued = 0
        self._closing: tuple[int, str] | None = None
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def send(self, text: str) -> None:
        """Queue a text frame; cuts the connection when too much waits."""
        if self._closing is not None:
            return
        self._texts.append(text)
        self._queued += len(text)
        self._wake.set()
        if self._queued > self._max_queued:
            log.warning("a client reads too slowly: its connection is cut")
            self._cut()

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what is queued."""
        if self._closing is None:
            self._closing = (code, reason)
            self._wake.set()

    async def end(self) -> None:
        """Stop sending: the connection is gone."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._send_queued()
                if self._closing is not None:
                    code, reason = self._closing
                    await self._socket.close(code=code, message=reason.encode())
                    return
        except ConnectionError:
            self._cut()

    async def _send_queued(self) -> None:
        while self._texts:
            text = self._texts.popleft()
            self._queued -= len(text)
            await self._socket.send_str(text)

    def _cut(self) -> None:
        self._closing = self._closing or (1011, "")
        self._texts.clear()
        self._queued = 0
        if self._transport is not None:
            self._transport.abort()
