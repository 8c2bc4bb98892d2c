"""The thread of a stream session against a peer on loopback."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from api.bitmex import stream as stream_module
from api.bitmex.auth import Signer, signature
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.stream import Stream
from common.engine.items import RawText, StreamClosed, StreamOpened
from common.errors import (
    AuthenticationFailed,
    ClockSkew,
    ExchangeUnavailable,
    RateLimited,
    TmaticError,
)
from common.settings_types import Secret
from tests.api.bitmex.http_peer import answer, refusal
from tests.api.bitmex.realtime_peer import frame, realtime_peer
from tests.api.bitmex.samples import KEY, SECRET
from tests.support.processes import closed_port

OPENING = ('{"op":"subscribe","args":["order"]}', '{"op":"subscribe","args":["margin"]}')


class Inbox:
    """Keeps what is put."""

    def __init__(self) -> None:
        self._items: queue.Queue[object] = queue.Queue()

    def put(self, item: object) -> None:
        self._items.put(item)

    def next(self) -> object:
        return self._items.get(timeout=10)

    def empty(self) -> bool:
        return self._items.empty()


@contextmanager
def session(
    url: str,
    clock: ExchangeClock | None = None,
    opening: Sequence[str] = OPENING,
    ping: float = 5.0,
    end: float = 10.0,
) -> Iterator[tuple[Stream, Inbox]]:
    inbox = Inbox()
    stream = Stream(
        "Bitmex",
        7,
        url,
        Signer(Secret(KEY), Secret(SECRET)),
        clock or ExchangeClock(),
        opening,
        inbox,
        ping_every=ping,
        idle_before_end=end,
    )
    stream.start()
    try:
        yield stream, inbox
    finally:
        stream.leave()
        assert stream.join(10)


def closed(inbox: Inbox) -> TmaticError:
    item = inbox.next()
    assert isinstance(item, StreamClosed)
    assert (item.market, item.session) == ("Bitmex", 7)
    return item.error


def text(inbox: Inbox) -> str | bytes:
    item = inbox.next()
    assert isinstance(item, RawText)
    assert item.session == 7
    return item.text


def test_a_session_authenticates_subscribes_and_passes_texts_on() -> None:
    began = time.time()
    with realtime_peer() as peer, session(peer.url) as (stream, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        assert [peer.heard.get(timeout=10) for _ in OPENING] == list(OPENING)
        expires = int(peer.headers["api-expires"])
        assert began + 9 <= expires <= time.time() + 11
        assert peer.headers["api-key"] == KEY
        assert peer.headers["api-signature"] == signature(SECRET, "GET", "/realtime", expires)
        peer.send(b'{"info":1}')
        peer.send(b"x" * 70_000)
        peer.send(b'{"a', final=False)
        peer.send(b'":1}', opcode=0)
        assert text(inbox) == b'{"info":1}'
        assert text(inbox) == b"x" * 70_000
        assert text(inbox) == b'{"a":1}'
        stream.send(['{"op":"help"}'])
        assert peer.heard.get(timeout=10) == '{"op":"help"}'


def test_a_message_in_pieces_over_many_time_outs_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "TURN", 0.01)
    misleading = b"12345\x81\x02no, not a frame"  # the second piece begins like a frame
    data = frame(misleading) + frame(b"second")
    with realtime_peer() as peer, session(peer.url, ping=0.02, opening=()) as (_, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        peer.send_raw(data[:7])
        assert peer.heard.get(timeout=10) == "ping"  # the client has timed out over the piece
        peer.send_raw(data[7:])
        assert text(inbox) == misleading
        assert text(inbox) == b"second"


def test_m9_n2_a_silent_exchange_is_asked_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "TURN", 0.02)
    with realtime_peer() as peer, session(peer.url, ping=0.1, end=2.0, opening=()) as (_, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        assert peer.heard.get(timeout=10) == "ping"
        peer.send(b"pong")
        assert text(inbox) == b"pong"
        assert peer.heard.get(timeout=10) == "ping"
        error = closed(inbox)
    assert type(error) is ExchangeUnavailable
    assert "silent" in str(error)


def test_a_lost_connection_and_a_closing_frame_are_told() -> None:
    with realtime_peer() as peer, session(peer.url) as (_, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        peer.hang_up()
        assert type(closed(inbox)) is ExchangeUnavailable
    with realtime_peer() as peer, session(peer.url) as (_, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        peer.send(b"\x03\xe9shutting down", opcode=8)
        assert "shutting down" in str(closed(inbox))


def test_p9_a_huge_message_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "LARGEST_MESSAGE", 100_000)
    with realtime_peer() as peer, session(peer.url) as (_, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        peer.send(b"x" * 90_000)
        peer.send(b"y" * 90_000)  # the limit is that of one message
        assert text(inbox) == b"x" * 90_000
        assert text(inbox) == b"y" * 90_000
        peer.send_raw(frame(b"z" * 200_000)[:120_000])
        assert "too large" in str(closed(inbox))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, refusal("Invalid API Key."), AuthenticationFailed),
        (403, refusal("This key is disabled."), AuthenticationFailed),
        (429, refusal("Rate limit exceeded, retry in 3 seconds."), RateLimited),
        (502, "<html>", ExchangeUnavailable),
        (404, "<html>", ExchangeUnavailable),
        (302, "", ExchangeUnavailable),
    ],
)
def test_a_refused_upgrade_says_why(status: int, body: object, error: type[TmaticError]) -> None:
    said = answer(status, body, {"Location": "ws://127.0.0.1:1/", "Connection": "close"})
    with realtime_peer(said) as peer, session(peer.url) as (_, inbox):
        assert type(closed(inbox)) is error


def test_an_expired_upgrade_corrects_the_clock() -> None:
    began = time.time()
    ahead = int(began) + 400
    body = refusal(f"This request has expired - `expires` is in the past. Current time: {ahead}")
    clock = ExchangeClock()
    with realtime_peer(answer(401, body)) as peer, session(peer.url, clock) as (_, inbox):
        assert type(closed(inbox)) is ClockSkew
    assert 399 - (time.time() - began) <= clock.offset <= 401


def test_a_closed_port_is_unavailable() -> None:
    with closed_port() as port, session(f"ws://127.0.0.1:{port}/realtime") as (_, inbox):
        assert type(closed(inbox)) is ExchangeUnavailable


def test_a_session_that_was_left_says_nothing_and_one_that_failed_says_why() -> None:
    with realtime_peer() as peer, session(peer.url) as (stream, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        stream.leave()
        assert stream.join(10)
        assert inbox.empty()
    with realtime_peer() as peer, session(peer.url) as (stream, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        stream.fail(AuthenticationFailed("no"))
        assert type(closed(inbox)) is AuthenticationFailed


def test_a_fault_of_the_thread_itself_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(stream_module, "BufferedReader", broken)
    with realtime_peer() as peer, session(peer.url) as (_, inbox):
        assert inbox.next() == StreamOpened("Bitmex", 7)
        assert "ZeroDivisionError" in str(closed(inbox))
