"""Recorded messages and rows of the real exchange, of all its years, can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.bitmex import execution_rows, market_rows, rows
from api.bitmex.directory import Directory
from api.bitmex.stream_protocol import StreamProtocol
from api.bitmex.wire import Row, as_rows, decode_exact
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Category
from common.domain.orders import Phase
from common.engine.items import OrdersReplaced, PositionChanged, StreamComplaint
from common.settings_types import Depth

pytestmark = pytest.mark.needs_shared


def read(path: Path) -> object:
    return decode_exact(path.read_text(encoding="utf-8"))


def instruments(samples: Path) -> list[Row]:
    value = read(samples / "instruments-2026-05-03.json")
    assert isinstance(value, dict)
    return as_rows(list(value.values()))


def known(samples: Path) -> Directory:
    directory = Directory()
    for row in [
        *instruments(samples),
        *_rows(samples / "xchange/rest/api_v1_instrument_active.json"),
    ]:
        instrument = market_rows.instrument(row, directory)
        if instrument is not None:
            directory.add(instrument)
    return directory


def _rows(path: Path) -> list[Row]:
    value = read(path)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


@pytest.fixture
def samples(shared_folder: Path) -> Path:
    return shared_folder / "bitmex" / "samples"


def test_instruments_of_2026_have_their_categories(samples: Path) -> None:
    found = {
        row["symbol"]: market_rows.instrument(row, Directory()) for row in instruments(samples)
    }
    categories = {name: item.symbol.category for name, item in found.items() if item is not None}
    assert categories["XBTUSD"] is categories["XBTM26"] is Category.INVERSE
    assert categories["XBTUSDT"] is categories["ETHM26"] is Category.LINEAR
    assert categories["ETHUSD"] is Category.QUANTO
    assert categories["XBT_USDT"] is Category.SPOT
    assert all(item is None for name, item in found.items() if str(name).startswith("."))


def test_instruments_of_2021_are_read_too(shared_folder: Path) -> None:
    path = shared_folder / "recordings" / "bitmex-instrument-active-2021-07-22.json"
    found = [market_rows.instrument(row, Directory()) for row in _rows(path)]
    assert len(found) == 34
    assert None not in found


def test_recorded_history_is_read_exactly(samples: Path) -> None:
    directory = known(samples)
    path = samples / "xchange/rest/api_v1_execution_tradehistory.json"
    trades = [execution_rows.executed(row, directory) for row in _rows(path)]
    assert trades
    for trade, row in zip(trades, _rows(path), strict=True):
        assert trade is not None
        assert trade.kind is ExecutionKind.TRADE
        assert (trade.cost, trade.fee) == (row["execCost"], row["execComm"])
        assert (trade.symbol.category, trade.currency) == (Category.SPOT, "USDt")
        assert decode_exact(trade.raw) == row


def test_recorded_orders_and_currencies_are_read(samples: Path) -> None:
    directory = known(samples)
    count = 0
    for path in sorted((samples / "xchange/rest").glob("api_v1_order_*.json")):
        value: Any = read(path)
        if isinstance(value, dict) and "error" in value:
            continue
        for row in value if isinstance(value, list) else [value]:
            order = rows.order(row, directory)
            assert order.phase in Phase
            count += 1
    assert count >= 10
    assets = _rows(samples / "xchange/rest/api_v1_wallet_assets.json")
    shipped = {currency.code: currency for currency in Directory().currencies()}
    for row in assets:
        currency = market_rows.currency(row)
        assert shipped[currency.code].scale == currency.scale


def test_a_recorded_cancel_of_a_finished_order_says_so(samples: Path) -> None:
    [row] = _rows(samples / "roq/json_cancel_order_ack_2.json")
    assert rows.cancel_problem(row) == "Unable to cancel order"
    [done] = _rows(samples / "roq/json_cancel_order_ack_1.json")
    assert rows.cancel_problem(done) == ""


def stream(samples: Path) -> StreamProtocol:
    protocol = StreamProtocol(known(samples), Depth.TEN, (), ())
    for table in ("order", "position", "margin", "execution"):
        head: dict[str, object] = {
            "table": table,
            "action": "partial",
            "keys": [],
            "filter": {},
            "data": [],
        }
        protocol.feed(json.dumps(head), 0.0)
    return protocol


def test_recorded_private_messages_are_read(samples: Path) -> None:
    seen = []
    for path in sorted((samples / "xchange/stream").glob("*.json")):
        value = read(path)
        if isinstance(value, dict) and "table" in value:
            protocol = stream(samples)
            seen += list(protocol.feed(path.read_bytes(), 0.0))
            assert protocol.failure is None
    assert not [m for m in seen if isinstance(m, StreamComplaint)]
    assert [m for m in seen if isinstance(m, Executed) and m.kind is ExecutionKind.TRADE]
    assert [m for m in seen if isinstance(m, PositionChanged)]


def test_recorded_images_of_2025_are_read(samples: Path) -> None:
    for name in ("position", "margin", "execution"):
        protocol = stream(samples)
        seen = protocol.feed((samples / f"roq/json_{name}.json").read_bytes(), 0.0)
        assert not [m for m in seen if isinstance(m, StreamComplaint)]
    assert stream(samples).feed(b'{"table":"order","action":"partial","data":[]}', 0.0) == [
        OrdersReplaced(())
    ]


def transcripts(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        if "table" in value or "info" in value or "success" in value:
            yield value
        else:
            for item in value.values():
                yield from transcripts(item)
    elif isinstance(value, list):
        for item in value:
            yield from transcripts(item)
    elif isinstance(value, str) and value.startswith("{"):
        yield from transcripts(json.loads(value))


def test_the_official_transcripts_pass_through_whole(samples: Path) -> None:
    messages = list(
        transcripts(json.loads((samples / "official/nodejs-fixtures.json").read_text("utf-8")))
    )
    assert len(messages) > 5
    protocol = stream(samples)
    for message in messages:
        protocol.feed(json.dumps(message), 0.0)
    assert protocol.failure is None
