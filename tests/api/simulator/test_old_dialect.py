from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import websocket

from api.simulator.old_dialect import ZERO_GUID, OldDialectVenue, old_types
from api.simulator.ports import Action, ApiKey
from api.simulator.tables import TABLES
from api.simulator.venue import DEMO_ACCOUNT, Customer
from tests.api.simulator.running import hang_up
from tests.api.simulator.trader import Trader
from tests.api.simulator.venues import START, TRADING, Desk
from tests.support.venue import ExchangeProcess

OWN_TABLES = ("order", "execution", "position", "margin", "wallet")


@pytest.fixture
def desk() -> Desk:
    key = ApiKey("key", "secret", DEMO_ACCOUNT, TRADING)
    return Desk(OldDialectVenue(seed=7, now=START, accounts=[Customer(keys=[key])]))


def test_every_row_of_a_table_carries_every_column(desk: Desk) -> None:
    desk.order("XBTUSDT", "Buy", 1000, ordType="Market")
    desk.order("XBTUSDT", "Buy", 1000, price=desk.away("XBTUSDT", "Buy", 0.1))
    desk.wait(seconds=1)
    for path, table in (
        ("/order", "order"),
        ("/execution", "execution"),
        ("/position", "position"),
        ("/instrument", "instrument"),
        ("/trade", "trade"),
        ("/quote", "quote"),
    ):
        rows = desk.get(path)
        assert rows
        for row in rows:
            assert list(row) == list(old_types(table)), path
    assert list(desk.get("/user/margin")) == list(old_types("margin"))


def test_empty_columns_are_null_or_empty_text(desk: Desk) -> None:
    order = desk.order("XBTUSDT", "Buy", 1000, price=desk.away("XBTUSDT", "Buy", 0.1))
    empty = {name: value for name, value in order.items() if value in (None, "")}
    assert empty == {
        **dict.fromkeys(("clOrdID", "clOrdLinkID", "pegPriceType", "execInst"), ""),
        **dict.fromkeys(("contingencyType", "triggered", "ordRejReason"), ""),
        **dict.fromkeys(("displayQty", "stopPx", "pegOffsetValue", "avgPx"), None),
        **dict.fromkeys(("simpleOrderQty", "simpleLeavesQty", "simpleCumQty"), None),
    }
    assert order["exDestination"] == "XBME"
    (report,) = desk.get("/execution")
    assert report["trdMatchID"] == ZERO_GUID and report["lastPx"] is None


def test_market_order_shows_the_price_it_got(desk: Desk) -> None:
    row = desk.order("XBTUSDT", "Buy", 1000, ordType="Market")
    assert row["ordStatus"] == "Filled" and row["price"] == row["avgPx"] > 0


def test_columns_that_were_asked_for_are_the_only_ones(desk: Desk) -> None:
    (row,) = desk.get("/instrument", symbol="XBTUSD", columns="symbol,expiry,tickSize")
    assert row == {"symbol": "XBTUSD", "expiry": None, "tickSize": row["tickSize"]}


def test_other_answers_and_errors_are_as_they_are(desk: Desk) -> None:
    assert desk.get("/user")["id"] == DEMO_ACCOUNT
    assert desk.refusal("GET", "/order", count=501)[0] == 400
    (failed,) = desk.body("DELETE", "/order", orderID="unknown")
    assert "error" in failed


def test_updates_hold_what_changed_and_columns_of_the_time(desk: Desk) -> None:
    desk.wait(seconds=1)
    row = desk.order("XBTUSDT", "Buy", 1000, price=desk.away("XBTUSDT", "Buy", 0.1))
    desk.body("DELETE", "/order", orderID=row["orderID"])
    events = desk.venue.drain()
    (inserted,) = [e for e in events if (e.table, e.action) == ("position", Action.INSERT)]
    assert list(inserted.rows[0]) == list(old_types("position"))
    updates = [e for e in events if (e.table, e.action) == ("order", Action.UPDATE)]
    changed = {name for event in updates for row in event.rows for name in row}
    assert {"ordStatus", "leavesQty"} <= changed < set(old_types("order"))


def test_partials_tell_foreign_keys_and_attributes(desk: Desk) -> None:
    for table in TABLES:
        image = desk.venue.partial(table, None, DEMO_ACCOUNT)
        assert image is not None
        assert set(image.more) == {"foreignKeys", "attributes"}
        assert all(list(row) == list(image.types) for row in image.rows), table
    keys = {t: list(desk.venue.partial(t, None, DEMO_ACCOUNT).keys) for t in OWN_TABLES}  # type: ignore[union-attr] # checked above
    assert keys["execution"] == ["execID"] and keys["position"] == ["account", "symbol"]


@pytest.mark.needs_shared
def test_partials_are_those_of_a_recording(shared_folder: Path, desk: Desk) -> None:
    recorded: dict[str, dict[str, Any]] = {}
    recording = shared_folder / "recordings" / "bitmex-ws-2021-07-22.jsonl"
    for line in recording.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)["m"]
        if isinstance(message, dict) and message.get("action") == "partial":
            recorded[message["table"]] = message
    fixtures = shared_folder / "bitmex" / "samples" / "official" / "nodejs-fixtures.json"
    for message in json.loads(fixtures.read_text(encoding="utf-8"))["orderEmptyPartial"]:
        if message.get("action") == "partial":
            recorded["order"] = message
    execution = shared_folder / "bitmex" / "samples" / "xchange" / "stream" / "execution-spec.json"
    recorded["execution"] = json.loads(execution.read_text(encoding="utf-8"))
    assert {"quote", "trade", "orderBookL2", "order", "execution"} <= set(recorded)
    for table, message in recorded.items():
        image = desk.venue.partial(table, None, DEMO_ACCOUNT)
        assert image is not None
        assert list(image.keys) == message["keys"], table
        assert set(image.types) == set(message["types"]), table
        assert image.more["foreignKeys"] == message["foreignKeys"], table
        assert image.more["attributes"] == message["attributes"], table


@pytest.mark.needs_shared
def test_instruments_have_the_columns_of_a_recording(shared_folder: Path, desk: Desk) -> None:
    name = "bitmex-instrument-active-2021-07-22.json"
    (first, *_) = json.loads((shared_folder / "recordings" / name).read_text(encoding="utf-8"))
    types = set(old_types("instrument"))
    assert set(first) - types == set()
    assert types - set(first) <= {
        *("fundingBaseRate", "fundingQuoteRate"),  # of perpetuals only, and later
    }


def test_exchange_started_with_the_old_dialect_speaks_it(
    exchange: Callable[..., ExchangeProcess],
) -> None:
    running = exchange("--dialect", "2018", no_limits=True)
    row = Trader(running).order(symbol="XBTUSDT", side="Buy", orderQty=1000, price=50000)
    assert row["stopPx"] is None and row["execInst"] == ""
    client = websocket.create_connection(f"{running.ws}?subscribe=instrument:XBTUSD", timeout=10)
    messages = [json.loads(client.recv()) for _ in range(3)]
    hang_up(client)
    partial = messages[-1]
    assert partial["foreignKeys"] == {"symbol": "instrument"}
    assert partial["data"][0]["expiry"] is None and partial["data"][0]["buyLeg"] == ""
