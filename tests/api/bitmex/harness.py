"""A gateway with its inbox, driven by a test in the place of the engine."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from api.bitmex.gateway import BitmexGateway
from common.domain.instruments import Symbol
from common.engine.items import Message, RawText, Reply, StreamClosed, StreamReady
from common.engine.requests import Request
from common.settings_types import MarketSettings

T = TypeVar("T")

DEADLINE = 60.0  # seconds


class Harness:
    """What the engine would do, as far as a gateway can tell."""

    def __init__(self, settings: MarketSettings) -> None:
        self.gateway = BitmexGateway(settings)
        self.messages: list[Message] = []
        self.closed: list[StreamClosed] = []
        self._replies: dict[int, Reply] = {}
        self._items: queue.Queue[object] = queue.Queue()
        self._session = 0

    def put(self, item: object) -> None:
        """Take an item as the inbox of the engine."""
        self._items.put(item)

    def ask(self, request: Request) -> Reply:
        """Send a request and return its reply."""
        number = self.gateway.request(request)
        return self.wait(lambda: self.reply(number), f"the reply to {request}")

    def reply(self, number: int) -> Reply | None:
        """Return the reply to a request, if it has come, once."""
        return self._replies.pop(number, None)

    def result(self, request: Request, kind: type[T]) -> T:
        """Send a request that must succeed and return its result."""
        reply = self.ask(request)
        assert reply.error is None, repr(reply.error)
        assert isinstance(reply.result, kind)
        return reply.result

    def connect(self, symbols: Sequence[Symbol], tapes: Collection[Symbol] = ()) -> None:
        """Open a stream session and wait until it is complete."""
        self._session += 1
        self.gateway.connect(self._session, symbols, tapes)
        self.wait(lambda: StreamReady() in self.messages, "all images")

    def seen(self, wanted: Callable[[Message], T | None]) -> T:
        """Return the first truthy value of `wanted` over all messages, past and to come."""
        return self.wait(lambda: next((v for m in self.messages if (v := wanted(m))), None), "it")

    def wait(self, condition: Callable[[], T | None], what: str = "the condition") -> T:
        """Serve the inbox until `condition` is truthy."""
        end = time.monotonic() + DEADLINE
        while not (value := condition()):
            left = end - time.monotonic()
            assert left > 0, f"waited in vain for {what}; stream: {self.closed}"
            try:
                self._take(self._items.get(timeout=min(left, 0.05)))
            except queue.Empty:
                continue
        return value

    def _take(self, item: object) -> None:
        if isinstance(item, RawText):
            self.messages += self.gateway.receive(item)
        elif isinstance(item, Reply):
            self._replies[item.number] = item
        elif isinstance(item, StreamClosed):
            self.closed.append(item)


@contextmanager
def running(settings: MarketSettings) -> Iterator[Harness]:
    """Run a gateway until the block ends."""
    harness = Harness(settings)
    harness.gateway.start(harness)
    try:
        yield harness
    finally:
        harness.gateway.stop()
