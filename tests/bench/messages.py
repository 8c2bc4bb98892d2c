"""Handling of stream messages against bare parsing, and the memory that it takes for good."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Sequence

import orjson

from tests.bench import traffic
from tests.bench.registry import Figure, register

COUNT = 200_000
ROUNDS = 5
_MEGABYTE = 1_000_000.0
_PIECE = 20_000


@register("messages", "stream messages handled on one core, without a network")
def messages() -> list[Figure]:
    """Compare the client's handling of one mix with parsing it and doing nothing."""
    mix = traffic.messages(COUNT // 2)
    handled, parsed = _rates(mix)
    eager, eager_parsed = _rates(traffic.messages(COUNT // 4, without=(traffic.BOOKS,)))
    return [
        Figure("whole mix, books unread", handled, "msg/s", parsed, "orjson", at_least=0.6),
        Figure("only what must be parsed at once", eager, "msg/s", eager_parsed, "orjson"),
    ]


@register("message-memory", f"memory kept after {COUNT:,} stream messages")
def message_memory() -> list[Figure]:
    """Measure what the client still holds after a long run, looking at books as a screen does."""
    protocol = traffic.opened_protocol()
    for text in traffic.messages(_PIECE, seed=2):
        protocol.feed(text, 0.5)  # warms caches up: growth is what comes after
    tracemalloc.start()
    try:
        before = _held()
        for piece in range(COUNT // _PIECE):
            for text in traffic.messages(_PIECE, seed=piece + 3):
                protocol.feed(text, 0.5)
            for symbol in traffic.SYMBOLS:
                protocol.book(symbol)
                protocol.ticker(symbol)
        grown = _held() - before
    finally:
        tracemalloc.stop()
    return [Figure("growth", grown / _MEGABYTE, "MB", at_most=5.0)]


def _rates(mix: Sequence[bytes]) -> tuple[float, float]:
    """Return messages a second of the client and of bare parsing, measured in turns.

    Processor time of this thread: what else runs on the machine does not count. Best of the rounds.
    """
    handled = parsed = float("inf")
    for _ in range(ROUNDS):
        parsed = min(parsed, _parse(mix))
        handled = min(handled, _handle(mix))
    return len(mix) / handled, len(mix) / parsed


def _parse(mix: Sequence[bytes]) -> float:
    gc.collect()
    start = time.thread_time()
    for text in mix:
        orjson.loads(text)
    return time.thread_time() - start


def _handle(mix: Sequence[bytes]) -> float:
    feed = traffic.opened_protocol().feed
    gc.collect()
    start = time.thread_time()
    for text in mix:
        feed(text, 0.5)
    return time.thread_time() - start


def _held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
