"""Faults on real connections: what a client sees, what took effect, what is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
import websocket

from api.simulator.ports import Action, Json, TableEvent
from api.simulator.server import ExchangeServer
from tests.api.simulator.fakes import TRADER, FakeVenue
from tests.api.simulator.running import PATIENCE, RunningServer, read, running
from tests.support.waiting import wait_until


@pytest.fixture
def venue() -> FakeVenue:
    return FakeVenue()


@pytest.fixture
def server(venue: FakeVenue) -> Iterator[RunningServer]:
    with running(lambda: ExchangeServer(venue, rate_limits=False)) as started:
        yield started


def arm(server: RunningServer, **rule: Json) -> None:
    response = server.rest("POST", "/control/faults", body=json.dumps(rule).encode())
    assert response.status_code == 200, response.text


def fired(server: RunningServer) -> dict[str, int]:
    counts: dict[str, int] = server.rest("GET", "/control/faults").json()["fired"]
    return counts


def place(server: RunningServer) -> requests.Response:
    return server.rest("POST", "/api/v1/order", key=TRADER, body=b'{"symbol":"XBTUSD"}')


@pytest.mark.parametrize(
    ("rule", "carried_out"),
    [
        ({"fault": "reset"}, 0),
        ({"fault": "reset", "after": True}, 1),
        ({"fault": "half-answer"}, 1),
        ({"fault": "silent", "seconds": 0.2}, 0),
        ({"fault": "silent", "seconds": 0.2, "after": True}, 1),
    ],
)
def test_a_connection_breaks_before_or_after_the_order_is_taken(
    server: RunningServer, venue: FakeVenue, rule: dict[str, Json], carried_out: int
) -> None:
    arm(server, method="POST", path="/order", **rule)
    with pytest.raises(requests.RequestException):
        place(server)
    assert len(venue.requests) == carried_out
    assert fired(server) == {str(rule["fault"]): 1}
    assert place(server).status_code == 200  # the next one finds everything in order


@pytest.mark.parametrize(("after", "taken"), [(False, 0), (True, 1)])
def test_an_answer_comes_late(
    server: RunningServer, venue: FakeVenue, after: bool, taken: int
) -> None:
    arm(server, fault="late", seconds=1.0, after=after, method="POST")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(place, server)
        # The fault counts when it bites; what it lets through follows in a turn of its own.
        wait_until(
            lambda: (fired(server), len(venue.requests)) == ({"late": 1}, taken),
            message="the fault",
        )
        assert not answer.done()
        assert answer.result(PATIENCE).status_code == 200
    assert len(venue.requests) == 1


@pytest.mark.parametrize(
    ("rule", "status", "kind"),
    [
        ({"fault": "rate-limit"}, 429, "application/json"),
        ({"fault": "overload"}, 503, "application/json"),
        ({"fault": "error-json"}, 504, "application/json"),
        ({"fault": "error-page"}, 502, "text/html"),
        ({"fault": "error-page", "status": 520, "form": "empty"}, 520, "text/html"),
        ({"fault": "error-page", "status": 200}, 200, "text/html"),
        ({"fault": "ban"}, 403, "application/json"),
        ({"fault": "key-refused"}, 401, "application/json"),
        ({"fault": "maintenance"}, 503, "application/json"),
    ],
)
def test_something_else_is_answered_and_nothing_taken(
    server: RunningServer, venue: FakeVenue, rule: dict[str, Json], status: int, kind: str
) -> None:
    arm(server, **rule)
    response = place(server)
    assert (response.status_code, len(venue.requests)) == (status, 0)
    assert response.headers["content-type"].startswith(kind)
    if kind == "application/json":
        assert response.json()["error"]["message"]


def test_faults_end_when_they_are_disarmed(server: RunningServer) -> None:
    arm(server, fault="ban")
    assert [place(server).status_code for _ in range(2)] == [403, 403]
    server.rest("DELETE", "/control/faults")
    assert place(server).status_code == 200
    assert fired(server) == {"ban": 2}


def test_a_skewed_clock_is_told_and_refuses_signatures(server: RunningServer) -> None:
    arm(server, fault="clock-skew", seconds=300)
    before = time.time()
    response = place(server)
    after = time.time()
    assert response.status_code == 400
    assert "expired" in response.text
    told = parsedate_to_datetime(response.headers["date"]).timestamp()
    assert before + 299 <= told <= after + 300  # whole seconds, rounded down


def test_an_answer_is_altered(server: RunningServer) -> None:
    arm(server, fault="odd-answer", value="NaN")
    assert "NaN" in server.rest("GET", "/api/v1/thing", key=TRADER).text


def test_an_upgrade_is_refused(server: RunningServer) -> None:
    arm(server, fault="stream-refused", status=502)
    with pytest.raises(websocket.WebSocketBadStatusException) as caught, server.socket():
        pass
    assert caught.value.status_code == 502
    with server.socket():
        assert fired(server) == {"stream-refused": 1}


# ---- streams ---------------------------------------------------------------------------------


@pytest.fixture
def client(server: RunningServer) -> Iterator[websocket.WebSocket]:
    with server.socket("?subscribe=quote:XBTUSD") as client:
        read(client)  # the acknowledgement
        read(client)  # the partial
        yield client


def tell(server: RunningServer, venue: FakeVenue, number: int) -> None:
    """Let the venue publish a quote."""
    row: Any = {"symbol": "XBTUSD", "bidPrice": number}
    server.call(lambda: venue.events.append(TableEvent("quote", Action.INSERT, [row])))


def number_of(text: str | bytes) -> int:
    number: int = json.loads(text)["data"][0]["bidPrice"]
    return number


@pytest.mark.parametrize(
    ("fault", "numbers"),
    [
        ("lose", [2, 3]),
        ("duplicate", [1, 1, 2, 3]),
        ("reorder", [2, 1, 3]),
        ("binary", [1, 2, 3]),
        ("unknown-field", [1, 2, 3]),
    ],
)
def test_a_text_is_lost_doubled_or_overtaken(
    server: RunningServer,
    venue: FakeVenue,
    client: websocket.WebSocket,
    fault: str,
    numbers: list[int],
) -> None:
    arm(server, fault=fault, table="quote")
    for number in (1, 2, 3):
        tell(server, venue, number)
    assert [number_of(client.recv()) for _ in numbers] == numbers
    assert fired(server) == {fault: 1}


def test_an_image_comes_a_second_time(
    server: RunningServer, venue: FakeVenue, client: websocket.WebSocket
) -> None:
    arm(server, fault="second-partial", table="quote")
    tell(server, venue, 1)
    assert [read(client)["action"] for _ in range(2)] == ["insert", "partial"]


def test_bytes_that_are_no_text_reach_the_client(
    server: RunningServer, venue: FakeVenue, client: websocket.WebSocket
) -> None:
    arm(server, fault="bad-utf8", table="quote")
    tell(server, venue, 1)
    frame = client.recv_frame()  # type: ignore[no-untyped-call] # typed in parts
    assert frame.opcode == websocket.ABNF.OPCODE_TEXT
    with pytest.raises(UnicodeDecodeError):
        frame.data.decode()


def test_a_connection_is_reset_or_closed(
    server: RunningServer, venue: FakeVenue, client: websocket.WebSocket
) -> None:
    arm(server, fault="drop", table="quote")
    tell(server, venue, 1)
    with pytest.raises((ConnectionError, websocket.WebSocketConnectionClosedException)):
        client.recv()


def test_a_stream_is_closed_with_a_reason(
    server: RunningServer, venue: FakeVenue, client: websocket.WebSocket
) -> None:
    arm(server, fault="close", reason="Bye.", table="quote")
    tell(server, venue, 1)
    opcode, data = client.recv_data()
    assert (opcode, data[2:]) == (8, b"Bye.")


def test_maintenance_closes_streams_and_opens_none(
    server: RunningServer, venue: FakeVenue, client: websocket.WebSocket
) -> None:
    arm(server, fault="maintenance")
    tell(server, venue, 1)
    opcode, data = client.recv_data()
    assert (opcode, int.from_bytes(data[:2], "big")) == (8, 1001)
    with pytest.raises(websocket.WebSocketBadStatusException), server.socket():
        pass
    assert place(server).status_code == 503


def test_a_half_open_connection_says_nothing_until_it_is_reset(
    server: RunningServer, venue: FakeVenue, client: websocket.WebSocket
) -> None:
    arm(server, fault="half-open", seconds=0.5, table="quote")
    began = time.monotonic()
    tell(server, venue, 1)
    client.send("ping")  # nobody reads it
    with pytest.raises((ConnectionError, websocket.WebSocketConnectionClosedException)):
        client.recv()
    assert time.monotonic() - began >= 0.5


def test_a_slow_connection_delays_what_is_sent(
    server: RunningServer, venue: FakeVenue, client: websocket.WebSocket
) -> None:
    arm(server, fault="slow", rate=200, seconds=30, table="quote")
    began = time.monotonic()
    for number in (1, 2):
        tell(server, venue, number)
    size = sum(len(client.recv()) for _ in range(2))
    assert time.monotonic() - began >= size / 200 * 0.9


def test_a_plan_of_a_server_is_reported(server: RunningServer) -> None:
    plan = {"seed": 3, "rules": [{"fault": "late", "seconds": 9, "path": "/x"}]}
    server.rest("POST", "/control/faults", body=json.dumps(plan).encode())
    report = server.rest("GET", "/control/faults").json()
    [rule] = report["rules"]
    assert (rule["fault"], rule["seconds"], rule["seen"], rule["fired"]) == ("late", 9.0, 0, 0)
    assert "drop" in report["kinds"]
