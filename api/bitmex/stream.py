"""The thread of one stream session: a WebSocket in, raw texts into the engine's inbox.

It decodes nothing, keeps no state of the market and never reconnects: that is the engine's choice.
The exchange is asked with `ping` every two seconds, which shows how late its news is; after ten
seconds without a word it is given up.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket as sockets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import websocket

from api.bitmex.answers import Answer, Purpose, expired_at, refusal
from api.bitmex.auth import Signer
from api.bitmex.closure import explain, host_of, is_loopback
from api.bitmex.dialing import dial, encrypted
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.link_speed import PING_EVERY, Pings
from api.bitmex.rest import is_untrusted
from common.engine.items import RawText, StreamClosed, StreamOpened
from common.engine.ports import Inbox
from common.errors import ClockSkew, ExchangeUnavailable, NotTrusted, TmaticError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5.0  # seconds
IDLE_BEFORE_END = 10.0  # seconds without any message, answers to pings included
_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
TURN = 0.25  # seconds after which a quiet thread looks for texts to send or an order to end
LARGEST_MESSAGE = 16 * 1024 * 1024  # bytes
_FINAL_TEXT = 0x81  # first byte of a text frame that is a whole message
_LENGTH_IN_TWO_BYTES = 126
_READ_SIZE = 65536  # bytes asked of the socket at once


class Stream:
    """One session. The thread owns the socket; others leave texts and wishes."""

    def __init__(
        self,
        market: str,
        session: int,
        url: str,
        signer: Signer,
        clock: ExchangeClock,
        opening: Sequence[str],
        inbox: Inbox,
        *,
        ping_every: float = PING_EVERY,
        idle_before_end: float = IDLE_BEFORE_END,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session = session
        self._market = market
        self._url = url
        self._signer = signer
        self._clock = clock
        self._opening = opening
        self._inbox = inbox
        self._ping_every = ping_every
        self._idle_before_end = idle_before_end
        self._monotonic = monotonic
        self._pings: Pings | None = None
        self._outgoing: deque[str] = deque()
        self._wanted = True
        self._failure: TmaticError | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"stream {market} {session}", daemon=True
        )

    def start(self) -> None:
        """Start the thread, which connects and subscribes."""
        self._thread.start()

    def send(self, texts: Sequence[str]) -> None:
        """Leave texts to be sent."""
        self._outgoing.extend(texts)

    def lag(self) -> float:
        """Return the seconds by which the newest text was late."""
        return self._pings.lag(self._monotonic()) if self._pings else 0.0

    def fail(self, error: TmaticError) -> None:
        """End the session because of `error`, which the `StreamClosed` will carry."""
        self._failure = error

    def leave(self) -> None:
        """End the session without a `StreamClosed`; does not wait."""
        self._wanted = False

    def join(self, timeout: float) -> bool:
        """Wait for the end of the thread; False when it still runs."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            error = self._session()
        except Exception as fault:  # the top of a thread: nothing may die silently
            log.exception("stream %s failed", self._market)
            error = ExchangeUnavailable(f"the stream failed: {type(fault).__name__}")
        if self._wanted:
            self._inbox.put(StreamClosed(self._market, self.session, error))

    def _session(self) -> TmaticError:
        """Connect, receive until the end, and return why it ended."""
        try:
            socket = self._connect()
        except _FAULTS as fault:
            return _connect_error(fault, self._url, self._clock)
        try:
            for text in self._opening:
                socket.send(text)
            self._inbox.put(StreamOpened(self._market, self.session))
            return self._receive(socket)
        except _FAULTS as fault:
            return ExchangeUnavailable(explain(self._url, f"connection lost, {_words(fault)}"))
        finally:
            _close(socket)

    def _connect(self) -> websocket.WebSocket:
        host = host_of(self._url)
        socket = websocket.create_connection(
            self._url,
            timeout=CONNECT_TIMEOUT,
            header=self._signer.realtime_headers(self._clock.expires()),
            suppress_origin=True,
            redirect_limit=0,
            skip_utf8_validation=True,  # the JSON parser checks it, ten times faster
            http_no_proxy=[host] if is_loopback(host) else None,
            socket=self._dial(host),
        )
        status = socket.getstatus()
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            _close(socket)
            raise websocket.WebSocketException(f"answer {status} instead of a stream")
        socket.settimeout(TURN)
        return socket

    def _dial(self, host: str) -> sockets.socket | None:
        """Return a connection to the exchange; None: through a proxy, which the library makes."""
        if any(os.environ.get(name) for name in _PROXIES) and not is_loopback(host):
            return None
        url = urlsplit(self._url)
        secure = url.scheme == "wss"
        plain = dial(host, url.port or (443 if secure else 80), CONNECT_TIMEOUT)
        return encrypted(plain, host) if secure else plain

    def _receive(self, socket: websocket.WebSocket) -> TmaticError:
        reader = BufferedReader(socket)
        heard = self._monotonic()
        pings = self._pings = Pings(heard, self._ping_every)
        while self._wanted and self._failure is None:
            while self._outgoing:
                socket.send(self._outgoing.popleft())
            if pings.due(self._monotonic()):
                socket.send("ping")
            try:
                opcode, data = reader.message()
            except websocket.WebSocketTimeoutException:
                if self._monotonic() - heard >= self._idle_before_end:
                    return ExchangeUnavailable("the exchange fell silent")
                continue
            heard = self._monotonic()
            if data == b"pong":
                pings.answered(heard)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return ExchangeUnavailable(explain(self._url, _closing_words(data)))
            self._inbox.put(RawText(self._market, self.session, heard, data))
        return self._failure or ExchangeUnavailable("the session was left")


class BufferedReader:
    """Takes messages from a WebSocket with one system call for many of them.

    The library asks the socket for two bytes, then for the length, then for the payload. Serving it
    from a buffer spares most calls, and counting what it takes caps the size of a message.
    """

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._receive: Callable[[int], bytes] = socket.frame_buffer.recv
        self._take = socket.recv_data
        self._buffer = b""
        self._position = 0
        self._size = 0
        socket.frame_buffer.recv = self._read

    def message(self) -> tuple[int, bytes]:
        """Return (opcode, payload) of the next message, or raise WebSocketTimeoutException.

        A time-out loses nothing: the next call goes on with what had arrived.
        """
        # A time-out in the library leaves it with a piece of a frame and the buffer empty, so the
        # next call comes back to the library and never looks for a frame in the middle of one.
        data = self._simple()
        if data is not None:
            return websocket.ABNF.OPCODE_TEXT, data
        opcode, data = self._take()
        self._size = 0
        return opcode, data

    def _simple(self) -> bytes | None:
        """Return the payload of a whole unmasked text frame if one comes next in the buffer.

        Nearly all frames are of this kind (RFC 6455, section 5.2); the library takes the others.
        """
        buffer, start = self._buffer, self._position + 2
        if len(buffer) - start < 2 or buffer[start - 2] != _FINAL_TEXT:
            return None
        length = buffer[start - 1]
        if length == _LENGTH_IN_TWO_BYTES:
            length = buffer[start] << 8 | buffer[start + 1]
            start += 2
        elif length > _LENGTH_IN_TWO_BYTES:
            return None  # of 64 kB and more, or masked
        if start + length > len(buffer):
            return None
        self._position = start + length
        return buffer[start : start + length]

    def _read(self, wanted: int) -> bytes:
        if self._position >= len(self._buffer):
            self._buffer = self._receive(_READ_SIZE)
            self._position = 0
        end = self._position + wanted
        piece = self._buffer[self._position : end]
        self._position = end
        self._size += len(piece)
        if self._size > LARGEST_MESSAGE:
            raise websocket.WebSocketPayloadException("the message is too large")
        return piece


# ValueError: addresses that websocket-client cannot parse.
_FAULTS = (websocket.WebSocketException, OSError, ValueError)


def _connect_error(fault: Exception, url: str, clock: ExchangeClock) -> TmaticError:
    """Return why the session could not be opened."""
    if is_untrusted(fault):
        return NotTrusted(explain(url, f"its certificate is not accepted ({_words(fault)})"))
    if not isinstance(fault, websocket.WebSocketBadStatusException):
        return ExchangeUnavailable(explain(url, f"cannot be reached, {_words(fault)}"))
    headers: Mapping[str, str] = {k.lower(): v for k, v in (fault.resp_headers or {}).items()}
    answer = Answer(url, fault.status_code, headers, fault.resp_body or b"")
    now = clock.local()
    told = expired_at(answer)
    if told is not None:
        clock.observe(float(told), now, now)
        return ClockSkew("the clocks differ; corrected", clock.offset)
    return refusal(answer, Purpose.READ)


def _close(socket: websocket.WebSocket) -> None:
    """Say goodbye without waiting for the other end to answer."""
    with contextlib.suppress(*_FAULTS):
        if socket.connected:
            socket.send_close()
    with contextlib.suppress(*_FAULTS):
        socket.shutdown()  # type: ignore[no-untyped-call]


def _words(fault: Exception) -> str:
    return str(fault)[:200] or type(fault).__name__


def _closing_words(data: bytes) -> str:
    reason = data[2:125].decode("utf-8", "replace") if len(data) > 2 else ""
    return f"the exchange closed the stream{': ' + reason if reason else ''}"
