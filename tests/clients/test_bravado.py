"""A client that bravado builds from the description, validating requests and answers against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.foreign import run_script
from tests.support.venue import start_exchange

Seen = dict[str, Any]


@pytest.fixture(scope="module", params=["2023", "2018"])
def seen(clients_python: Path, request: pytest.FixtureRequest) -> Iterator[Seen]:
    """What one run of the client against a fresh exchange saw; it fails at the first bad answer."""
    exchange = start_exchange("--dialect", request.param, seed=1, no_limits=True)
    try:
        yield run_script(clients_python, "bravado_rest.py", exchange)
    finally:
        exchange.stop()


def test_market_is_read(seen: Seen) -> None:
    assert {"XBTUSD", "XBTUSDT", "XBT_USDT"} <= {row["symbol"] for row in seen["instruments"]}
    assert len(seen["book"]) == 10
    assert len(seen["candles"]) == 3
    assert {row["symbol"] for row in seen["trades"]} == {"XBTUSD"}
    assert len(seen["funding"]) == 2
    assert seen["user"]["id"] == 1_000_001
    assert {"XBt", "USDt"} <= {row["currency"] for row in seen["assets"]}


def test_form_bodies_place_amend_and_cancel(seen: Seen) -> None:
    assert seen["placed"]["ordStatus"] == "New" and seen["placed"]["clOrdID"] == "a/b+c="
    assert seen["amended"]["orderQty"] == 1000
    assert [row["orderID"] for row in seen["open"]] == [seen["placed"]["orderID"]]
    assert [row["ordStatus"] for row in seen["cancelled"]] == ["Canceled"]
    assert seen["all"] == []


def test_position_is_taken_leveraged_and_closed(seen: Seen) -> None:
    assert seen["bought"]["cumQty"] == 3000
    assert [row["currentQty"] for row in seen["positions"]] == [3000]
    assert seen["leverage"]["leverage"] == 5
    assert sum(row["lastQty"] for row in seen["executions"]) == 3000
    assert seen["margin"]["maintMargin"] > 0
    assert seen["history"][0]["transactType"] == "Deposit" or seen["history"][0]["amount"] < 0
    assert seen["timer"]["cancelTime"] > seen["timer"]["now"]
    assert (seen["closed"]["ordStatus"], seen["closed"]["cumQty"]) == ("Filled", 3000)


def test_refusals_are_errors_of_the_description(seen: Seen) -> None:
    status, message = seen["refused"]
    assert status == 400 and message
