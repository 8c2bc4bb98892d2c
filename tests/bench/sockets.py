"""From the socket to the handler: the client's stream against websocket-client as it comes.

A peer on loopback, in a process of its own, sends as fast as it can; both receivers parse what they
get. The plain one is `WebSocketApp` with `json.loads`, its text check included.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import websocket

from api.bitmex.auth import Signer
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.stream import Stream
from common.engine.items import RawText
from common.settings_types import Secret
from tests.api.bitmex.realtime_peer import RealtimePeer, frame
from tests.bench import traffic
from tests.bench.registry import Figure, register

PLAIN_COUNT = 20_000
COUNT = 100_000
ROUNDS = 3
_DEADLINE = 120.0  # seconds for one round
_CHUNK = 500  # messages written at once


@register("sockets", "stream messages from socket to handler, over loopback")
def sockets() -> list[Figure]:
    """Compare the rates of both receivers, measured in turns."""
    plain = max(_rate(_plain, PLAIN_COUNT) for _ in range(ROUNDS))
    ours = max(_rate(_ours, COUNT) for _ in range(ROUNDS))
    return [Figure("client", ours, "msg/s", plain, "WebSocketApp, json", at_least=8.0)]


Receiver = Callable[[str, int], float]


def _rate(receive: Receiver, count: int) -> float:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_send, args=(there, count), daemon=True)
    process.start()
    try:
        return count / receive(here.recv(), count)
    finally:
        here.send("end")
        process.join(_DEADLINE)


def _send(pipe: Connection, count: int) -> None:
    """Serve one client: all messages as fast as it takes them."""
    frames = [frame(text) for text in traffic.messages(count)]
    peer = RealtimePeer(None)
    pipe.send(peer.url)
    for start in range(0, count, _CHUNK):
        peer.send_raw(b"".join(frames[start : start + _CHUNK]))
    pipe.recv()
    peer.close()


def _plain(url: str, count: int) -> float:
    """Return the seconds of processor time that WebSocketApp spends on the messages."""
    seen = 0
    used = 0.0

    def on_open(_: websocket.WebSocketApp) -> None:
        nonlocal used
        used = time.thread_time()

    def on_message(app: websocket.WebSocketApp, text: str) -> None:
        nonlocal seen, used
        json.loads(text)
        seen += 1
        if seen == count:
            used = time.thread_time() - used
            app.close()

    app = websocket.WebSocketApp(url, on_open=on_open, on_message=on_message)
    app.run_forever()
    assert seen == count
    return used


class _Handler:
    """Stands where the engine's inbox stands and handles each text at once."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._feed = traffic.opened_protocol().feed
        self._started = 0.0
        self.used = 0.0
        self.done = threading.Event()

    def put(self, item: object) -> None:
        if not isinstance(item, RawText):
            self._started = time.thread_time()
            return
        self._feed(item.text, 0.5)
        self._left -= 1
        if self._left == 0:
            self.used = time.thread_time() - self._started
            self.done.set()


def _ours(url: str, count: int) -> float:
    """Return the seconds of processor time that the client spends on the messages."""
    handler = _Handler(count)
    stream = Stream("Bench", 1, url, Signer(Secret(""), Secret("")), ExchangeClock(), (), handler)
    stream.start()
    assert handler.done.wait(_DEADLINE)
    stream.leave()
    stream.join(_DEADLINE)
    return handler.used
