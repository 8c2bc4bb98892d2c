from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from api.simulator.venue import LiveVenue
from tests.api.simulator.venues import START, Desk, new_desk, reloaded

PATHS: list[tuple[str, dict[str, Any]]] = [
    ("/user/margin", {"currency": "all"}),
    ("/user/wallet", {"currency": "all"}),
    ("/user/walletHistory", {"currency": "all"}),
    ("/order", {"count": 500}),
    ("/execution/tradeHistory", {"count": 500}),
    ("/position", {}),
    ("/apiKey", {}),
]


def busy_desk() -> Desk:
    desk = new_desk()
    desk.order("XBTUSD", "Buy", 500, ordType="Market")
    desk.order("SOLUSDT", "Sell", 2_000, ordType="Market")
    desk.order("XBT_USDT", "Buy", 5_000, ordType="Market")
    for number in range(3):
        price = desk.away("XBTUSD", "Sell", 0.1)
        desk.order("XBTUSD", "Sell", 100 + 100 * number, price=price, clOrdID=f"c{number}")
    desk.order("XBTUSD", "Sell", 100, stopPx=desk.away("XBTUSD", "Buy", 0.3))
    desk.body("DELETE", "/order", clOrdID="c1")
    desk.wait(minutes=3)
    return desk


def test_everything_about_an_account_survives_a_restart() -> None:
    desk = busy_desk()
    again = reloaded(desk)
    for path, params in PATHS:
        before, after = desk.get(path, **params), again.get(path, **params)
        if path == "/user/wallet":
            before, after = ([{**row, "timestamp": ""} for row in rows] for rows in (before, after))
        assert after == before, path


def test_restart_keeps_prices_volumes_and_candles_going() -> None:
    desk = busy_desk()
    again = reloaded(desk)
    for symbol in ("XBTUSD", "SOLUSDT", "XBT_USDT", "XBTZ26"):
        before, after = desk.quote(symbol), again.quote(symbol)
        for name in ("lastPrice", "markPrice", "totalVolume", "volume24h", "openInterest"):
            assert after[name] == before[name], (symbol, name)
        assert abs(after["bidPrice"] / before["bidPrice"] - 1) < 0.001
        asked = {"symbol": symbol, "count": 30, "reverse": "true"}
        assert again.get("/trade/bucketed", **asked) == desk.get("/trade/bucketed", **asked)


def test_orders_keep_their_place_in_the_queue_over_a_restart() -> None:
    desk = new_desk()
    price = desk.away("XBTUSD", "Buy", 0.1)
    ids = [desk.order("XBTUSD", "Buy", 100, price=price)["orderID"] for _ in range(3)]
    # Amended upwards, the first goes to the end of the queue.
    desk.body("PUT", "/order", orderID=ids[0], orderQty=200)
    again = reloaded(desk)
    again.venue.move_market("XBT", 0.89)
    filled: list[str] = []
    for _ in range(60):
        events = again.wait(seconds=1)
        rows = [row for e in events if e.table == "execution" for row in e.rows]
        filled += [str(row["orderID"]) for row in rows if row["ordStatus"] == "Filled"]
    assert filled == [ids[1], ids[2], ids[0]]


def test_ids_never_repeat_even_when_a_run_was_killed_before_it_saved() -> None:
    desk = new_desk()
    saved = json.loads(json.dumps(desk.venue.dump()))
    seen: set[str] = set()
    start = START
    for _ in range(3):
        venue = LiveVenue(seed=1, now=start)
        venue.load(saved)
        run = Desk(venue, start)
        venue.advance(start)
        for _ in range(20):
            run.order("XBTUSDT", "Buy", 100, ordType="Market")
        ids = {row[name] for row in run.get("/execution") for name in ("execID", "orderID")}
        assert not ids & seen
        seen |= ids
        start += timedelta(milliseconds=20)


def test_time_off_is_crossed_after_a_restart_with_its_funding_once() -> None:
    desk = busy_desk()
    again = reloaded(desk, later=timedelta(hours=26))
    again.wait(hours=26)
    rows = again.get("/execution/tradeHistory", filter={"execType": "Funding"}, count=500)
    times = [row["transactTime"] for row in rows if row["symbol"] == "XBTUSD"]
    assert len(times) == len(set(times)) == 4
    once_more = reloaded(again)
    rows = once_more.get("/execution/tradeHistory", filter={"execType": "Funding"}, count=500)
    assert len([row for row in rows if row["symbol"] == "XBTUSD"]) == 4


def test_history_lists_only_grow_and_are_not_copies() -> None:
    desk = busy_desk()
    first: Any = desk.venue.dump()["history"]
    lengths = {name: len(rows) for name, rows in first.items()}
    desk.order("XBTUSD", "Sell", 100, ordType="Market")
    desk.wait(minutes=2)
    second: Any = desk.venue.dump()["history"]
    for name, length in lengths.items():
        assert second[name] is first[name]
        assert len(second[name]) >= length
    assert len(second["executions 1000001"]) > lengths["executions 1000001"]
    assert len(second["candles XBTUSD"]) == lengths["candles XBTUSD"] + 2


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("version",), 99, "state.version"),
        (("time",), "noon", "state.time"),
        (("lastID",), None, "state.lastID"),
        (("accounts", "1000001", "wallet"), 5, "state.accounts.1000001.wallet"),
        (("accounts", "1000001", "wallet", "XBt"), 5, "deposited was"),
        (("accounts", "1000001", "positions", "XBTUSD", "quantity"), 7, "do not sum to 0"),
        (("accounts", "1000001", "positions", "XBTUSD", "cost"), "x", "positions.XBTUSD.cost"),
        (("instruments", "XBTUSD", "last"), 1.5, "state.instruments.XBTUSD.last"),
        (("instruments", "NEW"), {}, "state.instruments.NEW"),
        (("history", "candles XBTUSD"), ["a b"], "state.instruments.XBTUSD"),
        (("resting",), ["nothing"], "state.resting"),
        (("orders",), {"a": {}}, "state.orders.a"),
        (("history",), None, "state.history"),
    ],
)
def test_damaged_state_is_refused_naming_the_field(
    path: tuple[str, ...], value: object, named: str
) -> None:
    state: Any = json.loads(json.dumps(busy_desk().venue.dump()))
    place = state
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    venue = LiveVenue(seed=1, now=START)
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        venue.load(state)
