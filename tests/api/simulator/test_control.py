"""The control routes over sockets: who may call, what they do, what clients see of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from api.simulator.control import ROUTES
from api.simulator.market_time import MarketTime
from api.simulator.ports import ApiKey, Json
from api.simulator.server import ExchangeServer, utc_now
from api.simulator.venue import DEMO_ACCOUNT, LiveVenue, seeded_key
from tests.api.simulator.fakes import FakeVenue
from tests.api.simulator.running import RunningServer, read, running
from tests.support.waiting import wait_until

KEY = seeded_key(5, DEMO_ACCOUNT)


@pytest.fixture
def server() -> Iterator[RunningServer]:
    def build() -> ExchangeServer:
        return ExchangeServer(LiveVenue(seed=5, now=utc_now()), rate_limits=False)

    with running(build) as started:
        yield started


def control(server: RunningServer, method: str, path: str, **params: Json) -> Any:
    response = server.rest(method, f"/control{path}", body=json.dumps(params).encode())
    assert response.status_code == 200, response.text
    return response.json()


def order(server: RunningServer, key: ApiKey, **params: Json) -> Any:
    response = server.rest("POST", "/api/v1/order", key=key, body=json.dumps(params).encode())
    assert response.status_code == 200, response.text
    return response.json()


def truth_of(server: RunningServer, account: int) -> Any:
    accounts = control(server, "GET", "/truth")["accounts"]
    return next(row for row in accounts if row["account"] == account)


def test_every_route_is_listed_and_exists(server: RunningServer) -> None:
    listed = control(server, "GET", "")
    assert {(row["method"], row["path"]) for row in listed} == {
        (method, f"/control{path}") for method, path in ROUTES
    }
    for row in listed:
        response = server.rest(row["method"], row["path"])
        assert response.status_code != 404 or "routes" not in response.text, row


def test_an_order_is_filled_by_its_own_name_and_the_stream_tells(server: RunningServer) -> None:
    order(server, KEY, symbol="XBTUSDT", side="Buy", orderQty=500, price=20_000, clOrdID="1.Me")
    with server.socket(_signed("?subscribe=execution")) as client:
        read(client)
        read(client)
        done = control(server, "POST", "/fill", account=DEMO_ACCOUNT, clOrdID="1.Me")
        row = read(client)["data"][0]  # type: ignore[index]
        assert (row["execType"], row["lastQty"], row["orderID"]) == ("Trade", 500, done["orderID"])
    held = truth_of(server, DEMO_ACCOUNT)["positions"]["XBTUSDT"]
    assert held == {"quantity": 500, "cost": row["execCost"], "currency": "USDt"}


def _signed(query: str) -> str:
    from api.simulator.credentials import sign  # noqa: PLC0415 -- beside its only use

    expires = "99999999999"
    signature = sign(KEY.secret, "GET", "/realtime", expires)
    return f"{query}&api-key={KEY.key}&api-expires={expires}&api-signature={signature}"


def test_a_new_account_trades_until_its_key_is_revoked(server: RunningServer) -> None:
    opened = control(server, "POST", "/account", username="pupil", money={"USDt": 10**9})
    key = ApiKey(opened["key"], opened["secret"], opened["account"], frozenset({"order"}))
    order(server, key, symbol="XBTUSDT", side="Buy", orderQty=100)
    assert truth_of(server, key.account)["positions"]["XBTUSDT"]["quantity"] == 100
    control(server, "DELETE", "/key", key=key.key)
    response = server.rest("GET", "/api/v1/user", key=key)
    assert (response.status_code, response.json()["error"]["message"]) == (401, "Invalid API Key.")


def test_the_streams_of_a_revoked_key_end(server: RunningServer) -> None:
    with server.socket(_signed("?subscribe=order")) as client:
        read(client)
        read(client)
        control(server, "DELETE", "/key", key=KEY.key)
        opcode, data = client.recv_data()
        assert (opcode, int.from_bytes(data[:2], "big")) == (8, 1008)


def test_a_read_only_key_reads_and_trades_nothing(server: RunningServer) -> None:
    made = control(server, "POST", "/key", account=DEMO_ACCOUNT, permissions=[])
    key = ApiKey(made["key"], made["secret"], DEMO_ACCOUNT, frozenset())
    assert server.rest("GET", "/api/v1/user", key=key).status_code == 200
    body = b'{"symbol":"XBTUSDT","orderQty":100}'
    assert server.rest("POST", "/api/v1/order", key=key, body=body).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://example.invalid"},
        {"origin": "null"},
        {"host": "evil.example"},
        {"host": "evil.example:8700"},
    ],
)
def test_a_web_page_cannot_control_the_exchange(
    server: RunningServer, headers: dict[str, str]
) -> None:
    response = server.rest("GET", "/control/truth", headers=headers)
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/nothing", b"{}", 404),
        ("GET", "/fill", b"", 404),
        ("POST", "/fill", b"{}", 400),
        ("POST", "/fill", b'{"orderID":"unknown"}', 404),
        ("POST", "/market", b'{"asset":"XBT"}', 400),
        ("POST", "/market", b'{"asset":"XBT","factor":"many"}', 400),
        ("POST", "/credit", b'{"account":"me","currency":"XBt","amount":1}', 400),
        ("POST", "/account", b'{"money":{"XBt":0.5}}', 400),
        ("POST", "/funding", b"not json", 400),
        ("POST", "/respecify", b'{"symbol":"XBTUSD","lotSize":7}', 400),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    server: RunningServer, method: str, path: str, body: bytes, status: int
) -> None:
    response = server.rest(method, f"/control{path}", body=body)
    assert response.status_code == status
    assert response.json()["error"]["message"]


def test_no_secret_is_in_the_truth(server: RunningServer) -> None:
    text = server.rest("GET", "/control/truth").text
    assert KEY.key not in text
    assert KEY.secret not in text


def test_the_control_routes_can_be_left_out() -> None:
    def build() -> ExchangeServer:
        return ExchangeServer(LiveVenue(seed=5, now=utc_now()), control=False)

    with running(build) as server:
        assert server.rest("GET", "/control/truth").status_code == 404


def test_a_replayed_market_is_not_changed() -> None:
    with running(lambda: ExchangeServer(FakeVenue())) as server:
        response = server.rest("GET", "/control/truth")
        assert response.status_code == 409


# ---- the clock -------------------------------------------------------------------------------


class Wall:
    """A wall clock in the hand of the test."""

    def __init__(self) -> None:
        self.moment = utc_now()

    def __call__(self) -> datetime:
        return self.moment


def test_time_runs_at_its_speed_from_where_it_is() -> None:
    wall = Wall()
    start = wall.moment
    clock = MarketTime(wall, 10)
    wall.moment += timedelta(seconds=2)
    assert clock.now() - start == timedelta(seconds=20)
    clock.set_speed(0)
    wall.moment += timedelta(seconds=100)
    assert clock.now() - start == timedelta(seconds=20)
    clock.step(5)
    clock.set_speed(1)
    wall.moment += timedelta(seconds=1)
    assert clock.now() - start == timedelta(seconds=26)
    clock.catch_up(start)
    assert clock.now() - start == timedelta(seconds=26)
    clock.catch_up(start + timedelta(seconds=30))
    assert clock.now() - start == timedelta(seconds=30)


def test_a_stepped_market_pays_its_funding_and_stands_still_between() -> None:
    def build() -> ExchangeServer:
        return ExchangeServer(LiveVenue(seed=5, now=utc_now()), rate_limits=False, speed=0)

    with running(build) as server:
        order(server, KEY, symbol="XBTUSDT", side="Buy", orderQty=1000)
        before = control(server, "GET", "/clock")
        after = control(server, "POST", "/clock", step=8 * 3600)
        assert (after["speed"], before["now"] < after["now"]) == (0.0, True)
        kinds = [row["kind"] for row in truth_of(server, DEMO_ACCOUNT)["executions"]]
        assert kinds == ["Trade", "Funding"]
        assert control(server, "GET", "/clock") == after
        # Signatures stay with the wall clock.
        assert server.rest("GET", "/api/v1/user", key=KEY).status_code == 200


def test_a_fast_market_is_ahead_of_the_wall(server: RunningServer) -> None:
    control(server, "POST", "/clock", speed=1000)
    ahead = utc_now() + timedelta(minutes=5)
    wait_until(lambda: datetime.fromisoformat(_now(server)) > ahead, message="five minutes")


def _now(server: RunningServer) -> str:
    return str(control(server, "GET", "/clock")["now"]).replace("Z", "+00:00")


@pytest.mark.parametrize("change", [{"speed": -1}, {"speed": 1e6}, {"step": -1}, {"step": "x"}])
def test_time_does_nothing_impossible(server: RunningServer, change: dict[str, Json]) -> None:
    response = server.rest("POST", "/control/clock", body=json.dumps(change).encode())
    assert response.status_code == 400


def test_an_exchange_that_was_ahead_goes_on_from_there() -> None:
    venue = LiveVenue(seed=5, now=utc_now())
    venue.advance(utc_now() + timedelta(days=2))
    later = LiveVenue(seed=5, now=utc_now())
    later.load(venue.dump())
    with running(lambda: ExchangeServer(later)) as server:
        assert datetime.fromisoformat(_now(server)) >= venue.now
