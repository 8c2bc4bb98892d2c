"""Orders of bots at the socket: nothing is written once its permit is taken back."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest

from api.bitmex.wire import encode
from common.clock import SystemClock
from common.engine.order_gate import OrderGate, Ticket
from common.errors import Withdrawn
from tests.api.bitmex.http_peer import answer, http_peer
from tests.api.bitmex.test_rest import BODY, client
from tests.support.waiting import wait_until

OK = answer(200, {"orderID": "o1"})


def test_m7_an_order_whose_permit_stands_is_written() -> None:
    gate = OrderGate()
    with http_peer(OK) as peer:
        client(peer.url).order("POST", "/order", BODY, gate.issue("bot1"))
        assert len(peer.asked) == 1


@pytest.mark.parametrize("emi", [None, "bot1"])
def test_m7_an_order_whose_permit_was_taken_back_is_not_written(emi: str | None) -> None:
    gate = OrderGate()
    permit = gate.issue("bot1")
    gate.revoke(emi)
    with http_peer(OK) as peer:
        with pytest.raises(Withdrawn, match="the order never left"):
            client(peer.url).order("POST", "/order", BODY, permit)
        assert peer.asked == []


def test_an_order_of_a_person_that_waited_too_long_is_not_written() -> None:
    clock = SystemClock()
    with http_peer(OK) as peer:
        in_time = Ticket(None, clock.monotonic() + 60.0, clock)
        client(peer.url).order("POST", "/order", BODY, in_time)
        late = Ticket(None, clock.monotonic() - 0.01, clock)
        with pytest.raises(Withdrawn, match=r"waited too long, .*: the order never left"):
            client(peer.url).order("POST", "/order", BODY, late)
        assert len(peer.asked) == 1


def test_m7_what_is_switched_on_again_does_not_bring_an_old_order_back() -> None:
    gate = OrderGate()
    permit = gate.issue("bot1")
    gate.revoke()
    assert gate.issue("bot1").stands()
    assert not permit.stands()


def test_m7_other_bots_go_on_when_one_is_switched_off() -> None:
    gate = OrderGate()
    other = gate.issue("bot2")
    gate.revoke("bot1")
    assert other.stands()


def test_m7_an_order_that_waits_for_its_connection_is_not_written_after_all() -> None:
    """The permit goes while the connection is being made: the last moment counts."""
    gate = OrderGate()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    address = listener.getsockname()
    fillers = [socket.socket() for _ in range(4)]  # nobody accepts: the queue is full
    for filler in fillers:
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect(address)
    rest = client(f"http://{address[0]}:{address[1]}/api/v1/")
    rest._timeouts = (5.0, 0.3)
    seen: list[BaseException] = []

    def send() -> None:
        try:
            rest.order("POST", "/order", BODY, gate.issue("bot1"))
        except Exception as error:  # noqa: BLE001 - looked at below
            seen.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    received = b""
    try:
        wait_until(lambda: rest._guard.permit, message="the order on its way to the socket")
        gate.revoke()
        for filler in fillers:
            filler.close()
        listener.settimeout(0.2)
        with suppress(TimeoutError):
            while thread.is_alive():
                connection, _ = listener.accept()
                connection.settimeout(0.2)
                with suppress(TimeoutError, OSError):
                    received += connection.recv(100)
                connection.close()
        thread.join(10)
    finally:
        listener.close()
    assert received == b""
    assert [type(error) for error in seen] == [Withdrawn]


@dataclass
class Fading:
    """A permit that is taken back as soon as it was looked at once."""

    looked_at: int = 0

    def stands(self) -> bool:
        return not self.refusal()

    def refusal(self) -> str:
        self.looked_at += 1
        return "" if self.looked_at == 1 else "it was taken back"


def test_m7_headers_and_body_are_one_write_after_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a gate that shuts between them would leave a half request at the exchange."""
    written: list[bytes] = []

    def recorded(connection: HTTPConnection, data: bytes) -> None:
        written.append(data)
        connection.sock.sendall(data)

    monkeypatch.setattr(HTTPConnection, "send", recorded)
    permit = Fading()
    with http_peer(OK) as peer:
        client(peer.url).order("POST", "/order", BODY, permit)
        client(peer.url).get("/order")
        [order, read] = peer.asked
    assert permit.looked_at == 1
    assert (order.verb, order.body) == ("POST", encode(BODY))
    assert (read.verb, read.body) == ("GET", "")
    assert len(written) == 2


def test_m7_orders_queued_behind_a_slow_one_are_not_written_after_f9() -> None:
    """Three orders of a bot wait for the REST thread; F9 goes off while the first is answered."""
    gate = OrderGate()
    permits = [gate.issue("bot1") for _ in range(3)]
    off_at = 0.0
    with http_peer(OK) as peer:
        rest = client(peer.url)
        outcomes: list[type] = []
        for number, permit in enumerate(permits):
            try:
                rest.order("POST", "/order", BODY, permit)
                outcomes.append(dict)
            except Withdrawn:
                outcomes.append(Withdrawn)
            if number == 0:
                gate.revoke()
                off_at = time.monotonic()
        assert time.monotonic() - off_at < 5.0
        assert outcomes == [dict, Withdrawn, Withdrawn]
        assert len(peer.asked) == 1
