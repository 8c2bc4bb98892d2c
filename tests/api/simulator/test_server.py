from __future__ import annotations

import asyncio
import errno
import json
import socket
import statistics
import struct
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
import websocket

from api.simulator.credentials import sign
from api.simulator.ports import Action, ApiKey, Json, Row, TableEvent
from api.simulator.server import ExchangeServer
from api.simulator.store import StateFile
from tests.api.simulator.fakes import CANCELLER, READER, T0, TRADER, FakeVenue
from tests.api.simulator.running import RunningServer, ask, hang_up, read, running
from tests.support.waiting import wait_until


@pytest.fixture
def venue() -> FakeVenue:
    return FakeVenue()


@pytest.fixture
def server(venue: FakeVenue) -> Iterator[RunningServer]:
    with running(lambda: ExchangeServer(venue, rate_limits=False)) as started:
        yield started


def error_of(response: requests.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["name"], error["message"]


def test_parameters_of_query_and_body_reach_the_venue_as_one(
    server: RunningServer, venue: FakeVenue
) -> None:
    body = b'{"b":[1,"x"],"c":true,"price":0.1}'
    server.rest("POST", "/api/v1/thing?a=1&b=2&empty=", body=body)
    params = venue.requests[-1].params
    assert params == {"a": "1", "b": [1, "x"], "c": True, "price": params["price"], "empty": ""}
    assert str(params["price"]) == "0.1"  # exact, not the nearest double


def test_escaped_characters_of_a_query_stay_in_their_value(
    server: RunningServer, venue: FakeVenue
) -> None:
    server.rest("DELETE", "/api/v1/thing?clOrdID=a%2Bb%26c%3Dd%2541+e&text=%C3%A9")
    assert venue.requests[-1].params == {"clOrdID": "a+b&c=d%41 e", "text": "é"}


def test_signature_of_any_bytes_is_refused(server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        head = b"GET /api/v1/order HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        keys = b"api-key: trader-key\r\napi-expires: 99999999999\r\napi-signature: \xff\xfe\r\n\r\n"
        client.sendall(head + keys)
        assert client.recv(4096).startswith(b"HTTP/1.1 401")


def test_form_bodies_and_repeated_names_are_read(server: RunningServer, venue: FakeVenue) -> None:
    form = urlencode([("orderID", "a"), ("orderID", "b"), ("text", "x y")]).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    server.rest("DELETE", "/api/v1/thing", body=form, headers=headers)
    assert venue.requests[-1].params == {"orderID": ["a", "b"], "text": "x y"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The body is not valid JSON."),
        (b'{"a":NaN}', "The body is not valid JSON."),
        (b"[1]", "The body is not a JSON object."),
        (b'"\xff"', "The body is not UTF-8 text."),
        (b'{"a":' * 100_000, "The body is not valid JSON."),
    ],
)
def test_body_that_cannot_be_read_is_refused(
    server: RunningServer, body: bytes, message: str
) -> None:
    answer = server.rest("POST", "/api/v1/thing", body=body)
    assert error_of(answer) == (400, "HTTPError", message)


def test_body_too_large_is_refused(server: RunningServer) -> None:
    answer = server.rest("POST", "/api/v1/thing", body=b"x" * 2_000_000)
    assert error_of(answer) == (413, "HTTPError", "Request Entity Too Large")


@pytest.mark.parametrize("path", ["/", "/api/v2/order", "/api/v1", "/realtimemd"])
def test_path_outside_the_interface_is_not_found(server: RunningServer, path: str) -> None:
    assert error_of(server.rest("GET", path)) == (404, "HTTPError", "Not Found")


def test_defect_that_changes_nothing_is_answered_and_the_exchange_goes_on(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    answer = server.rest("GET", "/api/v1/broken")
    assert error_of(answer) == (500, "HTTPError", "Internal Server Error")
    assert "a defect of the venue" in caplog.text
    assert server.rest("GET", "/api/v1/thing").status_code == 200


PRIVATE = ["/api/v1/order", "/api/v1/user/margin", "/api/v1/position", "/api/v1/execution"]


@pytest.mark.parametrize("path", PRIVATE)
def test_private_route_without_key_is_refused(server: RunningServer, path: str) -> None:
    assert error_of(server.rest("GET", path)) == (401, "HTTPError", "Authorization Required")


def test_public_route_whose_name_begins_like_a_private_one_is_open(server: RunningServer) -> None:
    assert server.rest("GET", "/api/v1/orderBook/L2").status_code == 200


def test_signed_request_reaches_the_venue_with_its_account(
    server: RunningServer, venue: FakeVenue
) -> None:
    path = "/api/v1/order?filter=%7B%22open%22%3A+true%7D&symbol=XBT%2FUSD"
    assert server.rest("GET", path, key=TRADER).status_code == 200
    asked = venue.requests[-1]
    assert (asked.account, asked.permissions) == (7, frozenset({"order"}))
    assert asked.params == {"filter": '{"open": true}', "symbol": "XBT/USD"}


def test_wrong_signature_is_refused_on_public_routes_too(server: RunningServer) -> None:
    wrong = ApiKey(TRADER.key, "wrong", 7, frozenset())
    for path in ("/api/v1/order", "/api/v1/instrument"):
        answer = server.rest("GET", path, key=wrong)
        assert error_of(answer) == (401, "HTTPError", "Signature not valid.")


def test_expired_request_is_refused(server: RunningServer) -> None:
    before = time.time()
    answer = server.rest("GET", "/api/v1/order", key=TRADER, expires=int(before) - 5)
    status, name, message = error_of(answer)
    assert (status, name) == (400, "HTTPError")
    assert message.startswith("This request has expired - `expires` is in the past. Current time: ")
    assert before - 1 <= int(message.rsplit(" ", 1)[1]) <= time.time() + 1


@pytest.mark.parametrize(
    ("key", "method", "path", "status"),
    [
        (READER, "GET", "/api/v1/order", 200),
        (READER, "POST", "/api/v1/order", 403),
        (READER, "DELETE", "/api/v1/order", 403),
        (READER, "POST", "/api/v1/position/leverage", 403),
        (CANCELLER, "POST", "/api/v1/order", 403),
        (CANCELLER, "PUT", "/api/v1/order", 403),
        (CANCELLER, "DELETE", "/api/v1/order", 200),
        (CANCELLER, "DELETE", "/api/v1/order/all", 200),
        (TRADER, "POST", "/api/v1/order", 200),
        (TRADER, "DELETE", "/api/v1/order/all", 200),
    ],
)
def test_key_may_do_what_its_permissions_say(
    server: RunningServer, key: ApiKey, method: str, path: str, status: int
) -> None:
    answer = server.rest(method, path, key=key)
    assert answer.status_code == status
    if status == 403:
        assert error_of(answer) == (403, "HTTPError", "Access Denied")


LIMITS = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}


@pytest.mark.parametrize(
    ("path", "key"),
    [("/api/v1/thing", None), ("/api/v1/order", None), ("/api/v1/nope", TRADER)],
)
def test_every_answer_tells_about_the_limits(
    server: RunningServer, path: str, key: ApiKey | None
) -> None:
    headers = server.rest("GET", path, key=key).headers
    assert {name.lower() for name in headers} >= LIMITS
    assert headers["x-ratelimit-limit"] == ("120" if key else "30")
    assert headers["content-type"] == "application/json; charset=utf-8"


def test_too_many_requests_are_answered_429(venue: FakeVenue) -> None:
    with running(lambda: ExchangeServer(venue)) as server:
        answers = [server.rest("GET", "/api/v1/thing") for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= 5
        _, name, message = error_of(refused[-1])
        assert name == "RateLimitError"
        assert message.startswith("Rate limit exceeded, retry in ")
        assert int(refused[-1].headers["retry-after"]) >= 1
        assert float(refused[-1].headers["x-ratelimit-reset"]) > time.time() - 2
        # A key has its own budget; requests with a wrong signature do not use it up.
        assert server.rest("GET", "/api/v1/order", key=TRADER).status_code == 200


def test_order_is_told_to_its_account_over_the_stream(server: RunningServer) -> None:
    stamp = str(int(time.time()) + 60)
    signed = {"api-key": TRADER.key, "api-expires": stamp}
    signed["api-signature"] = sign(TRADER.secret, "GET", "/realtime", stamp)
    with server.socket("?subscribe=order", headers=signed) as client:
        assert read(client)["subscribe"] == "order"
        assert read(client)["action"] == "partial"
        placed = server.rest("POST", "/api/v1/order", key=TRADER).json()
        assert read(client) == {"table": "order", "action": "insert", "data": [placed]}


def test_stream_accepts_credentials_in_the_address_and_after_connecting(
    server: RunningServer,
) -> None:
    stamp = int(time.time()) + 60
    signature = sign(TRADER.secret, "GET", "/realtime", str(stamp))
    query = {"api-expires": stamp, "api-signature": signature, "api-key": TRADER.key}
    with server.socket(f"?{urlencode(query)}") as client:
        assert ask(client, {"op": "subscribe", "args": "margin"})["success"] is True
    with server.socket() as client:
        request = {"op": "authKeyExpires", "args": [TRADER.key, stamp, signature]}
        assert ask(client, request) == {"success": True, "request": request}
        assert ask(client, {"op": "subscribe", "args": "margin"})["success"] is True


def test_stream_with_a_wrong_signature_is_refused_at_the_upgrade(server: RunningServer) -> None:
    signed = {"api-key": TRADER.key, "api-expires": "99999999999", "api-signature": "00"}
    with (
        pytest.raises(websocket.WebSocketBadStatusException) as refused,
        server.socket(headers=signed),
    ):
        pass
    assert refused.value.status_code == 401
    assert b"Signature not valid." in (refused.value.resp_body or b"")


def test_failed_authentication_closes_the_stream_after_the_error(server: RunningServer) -> None:
    with server.socket() as client:
        answer = ask(client, {"op": "authKeyExpires", "args": [TRADER.key, 99999999999, "00"]})
        assert (answer["status"], answer["error"]) == (401, "Signature not valid.")
        opcode, data = client.recv_data()
        assert opcode == websocket.ABNF.OPCODE_CLOSE
        assert struct.unpack("!H", data[:2]) == (1008,)


def test_plain_request_to_the_stream_is_refused(server: RunningServer) -> None:
    answer = server.rest("GET", "/realtime")
    assert error_of(answer) == (400, "HTTPError", "A WebSocket upgrade is required.")


def test_both_kinds_of_ping_are_answered(server: RunningServer) -> None:
    with server.socket() as client:
        client.send("ping")
        assert client.recv() == "pong"
        client.ping("x")
        opcode, data = client.recv_data(control_frame=True)
        assert (opcode, data) == (websocket.ABNF.OPCODE_PONG, b"x")


def test_compression_is_offered_and_optional(server: RunningServer) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    with server.socket() as plain:
        assert "sec-websocket-extensions" not in (plain.getheaders() or {})
    url = f"ws://127.0.0.1:{server.port}/realtime"
    client = websocket.create_connection(url, header=offer, timeout=10)
    assert (client.getheaders() or {})["sec-websocket-extensions"].startswith("permessage-deflate")
    hang_up(client)


def test_binary_frames_are_ignored(server: RunningServer) -> None:
    with server.socket() as client:
        client.send_binary(b"\x00\xff")
        client.send("ping")
        assert client.recv() == "pong"


def test_client_that_does_not_read_is_cut_off_and_others_go_on(
    server: RunningServer, venue: FakeVenue
) -> None:
    rows: list[Row] = [{"symbol": "XBTUSD", "text": "x" * 100_000}]
    with server.socket("?subscribe=trade") as slow, server.socket() as quick:
        event = TableEvent("trade", Action.INSERT, rows)
        for _ in range(40):
            server.call(lambda: venue.events.extend([event] * 20))
            assert ask(quick, {"op": "dance"})["status"] == 400
        with pytest.raises((ConnectionError, websocket.WebSocketException)):
            for _ in range(10_000):
                slow.recv()


def test_reply_leaves_in_one_segment_without_delay(server: RunningServer) -> None:
    """Header and body in two segments would wait for the client's delayed acknowledgement."""
    request = b"POST /api/v1/thing HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    took = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        for _ in range(200):
            began = time.perf_counter()
            client.sendall(request)
            reply = client.recv(65536)
            took.append(time.perf_counter() - began)
            head, _, body = reply.partition(b"\r\n\r\n")
            assert f"Content-Length: {len(body)}".encode() in head, "the body came separately"
    assert statistics.median(took) < 0.02  # a delayed acknowledgement takes 0.04 s


def test_port_in_use_is_an_error(server: RunningServer, venue: FakeVenue) -> None:
    with pytest.raises(OSError), running(lambda: ExchangeServer(venue), server.port):
        pass


def test_clock_set_back_stands_still(venue: FakeVenue) -> None:
    def set_back_after_a_request() -> datetime:
        return T0.replace(year=2025) if venue.requests else T0

    with running(lambda: ExchangeServer(venue, now=set_back_after_a_request)) as server:
        for _ in range(2):  # the venue asserts the order of times
            assert server.rest("GET", "/api/v1/thing").status_code == 200
        assert venue.now == T0


def test_order_is_in_the_state_file_when_its_answer_arrives(tmp_path: Path) -> None:
    path, venue = tmp_path / "state", FakeVenue()
    with (
        StateFile(path) as store,
        running(lambda: ExchangeServer(venue, rate_limits=False, store=store)) as server,
    ):
        for number in range(1, 6):
            placed = server.rest("POST", "/api/v1/order", key=TRADER).json()
            copy = tmp_path / f"copy{number}"  # what a kill at this moment would leave
            copy.write_bytes(path.read_bytes())
            journal = path.with_name("state.journal").read_bytes()
            copy.with_name(copy.name + ".journal").write_bytes(journal)
            with StateFile(copy) as copied:
                state = copied.load()
            assert state is not None and isinstance(state["orders"], dict)
            assert placed["orderID"] in state["orders"] and len(state["orders"]) == number


def test_stop_saves_and_tells_the_clients(tmp_path: Path, venue: FakeVenue) -> None:
    path = tmp_path / "state"
    with StateFile(path) as store:
        with running(lambda: ExchangeServer(venue, store=store)) as server:
            url = f"ws://127.0.0.1:{server.port}/realtime"
            client = websocket.create_connection(url, timeout=10)
            client.recv()
            server.call(lambda: venue.state.update(counter=5))
        opcode, data = client.recv_data()
        hang_up(client)
    assert (opcode, data[:2]) == (websocket.ABNF.OPCODE_CLOSE, struct.pack("!H", 1001))
    assert json.loads(path.read_bytes())["state"] == {"counter": 5}


def test_exchange_ends_when_an_order_cannot_be_saved(venue: FakeVenue, tmp_path: Path) -> None:
    """Nobody may hear of an order that a restart would not know."""

    class FullDisk(StateFile):
        full = False

        def save(self, state: Mapping[str, Json]) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().save(state)

    path = tmp_path / "state"
    store = FullDisk(path)
    with store:
        with running(lambda: ExchangeServer(venue, rate_limits=False, store=store)) as server:
            server.rest("POST", "/api/v1/order", key=TRADER)
            store.full = True
            refused = server.rest("POST", "/api/v1/order", key=TRADER)
            assert refused.status_code == 500
            with pytest.raises(OSError, match="No space left"):
                asyncio.run_coroutine_threadsafe(server.server.failure(), server.loop).result(10)
        state = store.load()
    assert state is not None and list(state["orders"]) == ["id-1"]  # type: ignore[call-overload]


def test_exchange_ends_when_a_change_breaks_off_half_way(server: RunningServer) -> None:
    assert server.rest("POST", "/api/v1/broken").status_code == 500
    with pytest.raises(ZeroDivisionError):
        asyncio.run_coroutine_threadsafe(server.server.failure(), server.loop).result(10)


def test_events_of_passing_time_reach_the_stream(server: RunningServer, venue: FakeVenue) -> None:
    with server.socket("?subscribe=trade:XBTUSD") as client:
        assert [read(client).get("action") for _ in range(2)] == [None, "partial"]
        event = TableEvent("trade", Action.INSERT, [{"symbol": "XBTUSD", "size": 1}])
        server.call(lambda: venue.events.append(event))
        assert read(client)["data"] == [{"symbol": "XBTUSD", "size": 1}]
        wait_until(lambda: not venue.events, message="the venue's events to be taken")
