"""What the parameters of table routes select."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from api.simulator.filters import conditions
from api.simulator.refusals import Refused
from tests.api.simulator.venues import Desk, new_desk

Rows = list[dict[str, Any]]
COLUMNS = ("timestamp", "symbol", "side", "ordStatus", "size", "price")
ROW = {
    "timestamp": "2026-11-20T12:00:00.000Z",  # a Friday
    "symbol": "XBTUSD",
    "side": "Buy",
    "ordStatus": "New",
    "size": 100,
    "price": 60000.5,
}


@pytest.fixture(scope="module")
def market() -> Desk:
    desk = new_desk()
    for _ in range(180):
        desk.wait(seconds=1)
    return desk


def passes(**wanted: Any) -> bool:
    return all(condition(ROW) for condition in conditions(wanted, COLUMNS))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"side": "Buy"}, True),
        ({"side": "Sell"}, False),
        ({"side": ["Sell", "Buy"]}, True),
        ({"size": 100, "price": 60000.5}, True),
        ({"size": [1, 2]}, False),
        ({"side": None}, False),
        ({"size": True}, False),
        ({"open": True}, True),
        ({"ordStatus.isTerminated": False}, True),
        ({"ordStatus.isTerminated": True}, False),
        ({"startTime": "2026-11-20", "endTime": "2026-11-20 12:00"}, True),
        ({"startTime": "2026-11-20 12:00:01"}, False),
        ({"timestamp.date": "2026-11-20"}, True),
        ({"timestamp.date": "2026-11-21"}, False),
        ({"timestamp.month": "2026-11"}, True),
        ({"timestamp.year": 2026, "timestamp.mm": 11, "timestamp.dd": 20}, True),
        ({"timestamp.hh": 12, "timestamp.uu": 0, "timestamp.ss": 0}, True),
        ({"timestamp.hh": "13"}, False),
        ({"timestamp.time": "12:00", "timestamp.ww": 6}, True),
        ({"timestamp.time": "12:00:01"}, False),
        ({"timestamp.ww": 5}, False),
    ],
)
def test_filter_lets_pass(wanted: dict[str, Any], expected: bool) -> None:
    assert passes(**wanted) is expected


@pytest.mark.parametrize(
    "wanted",
    [
        {"unknown": 1},
        {"open": False},
        {"ordStatus.isTerminated": "no"},
        {"timestamp.unknown": 1},
        {"timestamp.hh": "noon"},
        {"timestamp.date": "yesterday"},
        {"timestamp.time": "12"[:1]},
        {"startTime": "soon"},
        {"price.hh.": 1},
    ],
)
def test_filter_that_makes_no_sense_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        passes(**wanted)
    assert refused.value.answer().status == 400
    assert refused.value.message == "filter columns are not valid"


def test_filter_is_json_text_or_an_object(market: Desk) -> None:
    wanted = {"symbol": "XBTUSD", "side": "Buy"}
    for given in (wanted, json.dumps(wanted)):
        rows = market.get("/trade", filter=given, count="50")
        assert rows and all(row["symbol"] == "XBTUSD" and row["side"] == "Buy" for row in rows)
    assert market.refusal("GET", "/trade", filter="{") == (400, "filter is invalid")


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("XBTUSD", "XBTUSD"),
        ("xbtusd", "XBTUSD"),
        ("XBT", "XBTZ26"),
        ("XBT:nearest", "XBTZ26"),
        ("xbt:quarterly", "XBTZ26"),
        ("XBT:perpetual", "XBTUSD"),
        ("ETH", "ETHUSD"),
        ("SOL:perpetual", "SOLUSDT"),
    ],
)
def test_symbol_names_a_contract(market: Desk, name: str, symbol: str) -> None:
    assert {row["symbol"] for row in market.get("/instrument", symbol=name)} == {symbol}


@pytest.mark.parametrize("name", ["NOTHING", "XBT:weekly", "ETH:quarterly"])
def test_symbol_that_names_nothing_has_no_rows(market: Desk, name: str) -> None:
    assert market.get("/instrument", symbol=name) == []


@pytest.mark.parametrize(
    ("path", "most"),
    [
        *((path, 500) for path in ("/instrument", "/order", "/execution", "/funding")),
        *((path, 1000) for path in ("/trade", "/trade/bucketed", "/quote/bucketed")),
        ("/execution/tradeHistory", 500),
        ("/user/walletHistory", 10_000),
    ],
)
def test_count_has_a_maximum(market: Desk, path: str, most: int) -> None:
    given = {"symbol": "XBTUSD"}
    assert isinstance(market.get(path, count=str(most), **given), list)
    status, message = market.refusal("GET", path, count=most + 1, **given)
    expected = f"Maximum result count is {most}. Please use the start & count params to paginate."
    assert (status, message) == (400, expected)
    assert market.refusal("GET", path, count="x", **given) == (400, "count is invalid")
    assert market.refusal("GET", path, start=-1, **given) == (400, "start is invalid")


def test_pages_in_either_direction_are_parts_of_the_whole(market: Desk) -> None:
    whole: Rows = market.get("/trade", symbol="XBTUSD", count=1000)
    assert len(whole) > 20
    pages = [market.get("/trade", symbol="XBTUSD", start=s, count=7) for s in range(0, 21, 7)]
    assert [row for page in pages for row in page] == whole[:21]
    newest = market.get("/trade", symbol="XBTUSD", count=5, start=1, reverse="true")
    assert newest == whole[::-1][1:6]
    assert market.get("/trade", symbol="XBTUSD", count=0) == []


def test_time_limits_include_their_moments(market: Desk) -> None:
    whole: Rows = market.get("/quote", symbol="XBTUSD", count=1000)
    first, last = whole[3]["timestamp"], whole[9]["timestamp"]
    rows = market.get("/quote", symbol="XBTUSD", count=1000, startTime=first, endTime=last)
    assert rows == [row for row in whole if first <= row["timestamp"] <= last]
    assert market.refusal("GET", "/quote", startTime="x") == (400, "startTime is invalid")


def test_columns_are_named_in_any_form_and_keys_come_along(market: Desk) -> None:
    for asked in ('["price"]', "price, size", ["price", "size"]):
        (row,) = market.get("/trade", symbol="XBTUSD", count=1, columns=asked)
        assert {"timestamp", "symbol", "price"} <= set(row) <= {*COLUMNS}
        assert "side" not in row


def test_quotes_of_buckets_follow_each_other(market: Desk) -> None:
    rows = market.get("/quote/bucketed", symbol="XBTUSD", binSize="1m", count=9, reverse="true")
    ends = [row["timestamp"] for row in rows]
    assert ends == sorted(ends, reverse=True) and len(ends) == 9
    assert all(row["bidPrice"] < row["askPrice"] for row in rows)
    assert all(row["bidSize"] > 0 and row["askSize"] > 0 for row in rows)
    again = market.get("/quote/bucketed", symbol="XBTUSD", binSize="1m", count=9, reverse="true")
    assert rows == again


def test_quote_of_a_bucket_that_was_lived_is_its_last(market: Desk) -> None:
    (bucket,) = market.get("/quote/bucketed", symbol="XBTUSD", count=1, reverse="true")
    inside = [
        row
        for row in market.get("/quote", symbol="XBTUSD", count=1000)
        if row["timestamp"] < bucket["timestamp"]
    ]
    last = {**inside[-1], "timestamp": bucket["timestamp"]}
    assert bucket == last


def test_summary_of_the_wallet_can_be_limited_in_time() -> None:
    desk = new_desk()
    start = desk.now
    desk.wait(seconds=10)
    desk.order("XBTUSDT", "Buy", 1000, ordType="Market")
    everything = desk.get("/user/walletSummary", currency="USDt")
    assert {row["transactType"] for row in everything} == {"Deposit", "RealisedPNL"}
    later = (start + timedelta(seconds=5)).isoformat()
    rows = desk.get("/user/walletSummary", currency="USDt", startTime=later)
    assert {row["transactType"] for row in rows} == {"RealisedPNL"}
    rows = desk.get("/user/walletSummary", currency="USDt", endTime=later)
    assert {row["transactType"] for row in rows} == {"Deposit"}
