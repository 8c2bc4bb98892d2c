"""The way out of one WebSocket: a bounded queue and the task that empties it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from aiohttp import WSMsgType, web

from api.simulator.cutting import reset
from api.simulator.frame_faults import Frame, RawText

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
        self._frames: deque[Frame] = deque()
        self._queued = 0
        self._closing: tuple[int, str] | None = None
        self._rate = 0.0  # bytes a second; 0: as fast as the client reads
        self._slow_until = 0.0  # by the loop's clock
        self._stalled = False
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def send(self, text: str) -> None:
        """Queue a text frame; cuts the connection when too much waits."""
        self.send_frame(text)

    def send_frame(self, frame: Frame) -> None:
        """Queue a frame of any kind, as `send` does."""
        if self._closing is not None or self._stalled:
            return
        self._frames.append(frame)
        self._queued += _size(frame)
        self._wake.set()
        if self._queued > self._max_queued:
            log.warning("a client reads too slowly: its connection is cut")
            self._abort()

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what is queued."""
        if self._closing is None:
            self._closing = (code, reason)
            self._wake.set()

    def cut(self) -> None:
        """Reset the connection, whatever is queued."""
        if self._transport is not None:
            reset(self._transport)
        self._abort()

    def stall(self, seconds: float) -> None:
        """Neither send nor read anything for a while, then reset the connection."""
        self._stalled = True
        self._frames.clear()
        if self._transport is not None:
            self._transport.pause_reading()
        asyncio.get_running_loop().call_later(seconds, self.cut)

    def slow_down(self, rate: float, seconds: float) -> None:
        """Send at most `rate` bytes a second for a while."""
        self._rate = rate
        self._slow_until = asyncio.get_running_loop().time() + seconds

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
            self._abort()

    async def _send_queued(self) -> None:
        while self._frames:
            frame = self._frames.popleft()
            self._queued -= _size(frame)
            if self._rate:
                await self._pace(frame)
            if isinstance(frame, str):
                await self._socket.send_str(frame)
            elif isinstance(frame, bytes):
                await self._socket.send_bytes(frame)
            else:
                await self._socket.send_frame(frame.data, WSMsgType.TEXT)

    async def _pace(self, frame: Frame) -> None:
        if asyncio.get_running_loop().time() >= self._slow_until:
            self._rate = 0.0
        elif self._rate > 0:
            await asyncio.sleep(_size(frame) / self._rate)

    def _abort(self) -> None:
        self._closing = self._closing or (1011, "")
        self._frames.clear()
        self._queued = 0
        if self._transport is not None:
            self._transport.abort()


def _size(frame: Frame) -> int:
    return len(frame.data) if isinstance(frame, RawText) else len(frame)
