"""Positions, margins and the wallets' history as a verification reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from api.bitmex import audit_rows, rows
from api.bitmex.wire import as_rows, decode_exact
from common.domain.account import Margin, PositionFigures, WalletKind, WalletPage
from common.domain.orders import Order, Phase, Side
from common.engine.requests import (
    FetchInstruments,
    FetchMargins,
    FetchPositions,
    FetchWallet,
    SendOrder,
)
from common.errors import ProtocolError
from common.ledger.wallet import add_up
from common.settings_types import Depth
from tests.api.bitmex import samples
from tests.api.bitmex.harness import Harness, running
from tests.api.bitmex.samples import MARGIN, POSITION, SPOT, XBTUSD, XBTUSDT, Row, settings
from tests.support.venue import start_exchange

FUNDED: Row = {
    "transactID": "00000000-0077-1000-0000-000083b7b0d7",
    "currency": "XBt",
    "transactType": "Funding",
    "transactStatus": "Completed",
    "amount": -139390,
    "fee": 139390,
    "walletBalance": 3215808985,
    "address": "XBTUSD",
    "transactTime": "2026-07-19T12:00:00.330Z",
    "timestamp": "2026-07-19T12:00:00.330Z",
}
FIGURES: Row = {
    **POSITION,
    "markValue": 1839503980,
    "currentCost": 1951105799,
    "realisedCost": 100,
    "currentComm": 7,
    "realisedPnl": -107,
}


def test_a_wallet_row_is_read_whole() -> None:
    change = audit_rows.wallet_change(FUNDED)
    assert change is not None
    assert (change.kind, change.amount, change.balance) == (
        WalletKind.FUNDING,
        -139390,
        3215808985,
    )
    assert change.at == datetime(2026, 7, 19, 12, 0, 0, 330000, timezone.utc)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("RealisedPNL", WalletKind.RESULT),
        ("SpotTrade", WalletKind.SPOT),
        ("Deposit", WalletKind.EXTERNAL),
        ("Withdrawal", WalletKind.EXTERNAL),
        ("Transfer", WalletKind.EXTERNAL),
        ("AffiliatePayout", WalletKind.EXTERNAL),
        ("Conversion", WalletKind.EXTERNAL),
    ],
)
def test_what_is_not_trading_comes_from_outside(name: str, kind: WalletKind) -> None:
    change = audit_rows.wallet_change({**FUNDED, "transactType": name})
    assert change is not None
    assert change.kind is kind


def test_a_type_that_is_not_known_is_kept_whole_and_never_guessed() -> None:
    row = {**FUNDED, "transactType": "StakingReward", "amount": 5}
    change = audit_rows.wallet_change(row)
    assert change is not None
    assert (change.kind, change.type_name) == (WalletKind.UNKNOWN, "StakingReward")
    assert decode_exact(change.raw) == row
    assert audit_rows.wallet_change({**row, "amount": 0}) is None  # it moved nothing


@pytest.mark.parametrize(
    "row",
    [
        {**FUNDED, "transactStatus": "Canceled"},
        {**FUNDED, "transactStatus": "Pending"},
        {"transactType": "UnrealisedPNL", "currency": "XBt", "amount": 5, "transactTime": None},
    ],
)
def test_rows_that_moved_nothing_are_passed_over(row: Row) -> None:
    assert audit_rows.wallet_change(row) is None


@pytest.mark.parametrize("name", ["transactID", "currency", "amount", "timestamp"])
def test_a_wallet_row_without_what_it_needs_is_refused(name: str) -> None:
    row = {key: value for key, value in FUNDED.items() if key not in (name, "transactTime")}
    with pytest.raises(ProtocolError, match=name):
        audit_rows.wallet_change(row)


def test_the_figures_of_a_position_are_copied() -> None:
    assert audit_rows.position_figures(FIGURES, samples.directory()) == PositionFigures(
        symbol=XBTUSD,
        currency="XBt",
        quantity=-1438000,
        unrealised_cost=1951105699,
        unrealised_pnl=-111601719,
        mark_value=1839503980,
        current_cost=1951105799,
        realised_cost=100,
        current_comm=7,
        realised_pnl=-107,
    )


def test_a_row_of_a_spot_pair_or_of_a_flat_unknown_symbol_is_no_position() -> None:
    known = samples.directory()
    assert audit_rows.position_figures({**POSITION, "symbol": SPOT.ticker}, known) is None
    assert audit_rows.position_figures({"symbol": "GONE", "currentQty": 0}, known) is None
    with pytest.raises(ProtocolError, match="GONE"):
        audit_rows.position_figures({"symbol": "GONE", "currentQty": 1}, known)


def test_margin_tells_what_is_in_the_wallet_itself() -> None:
    assert rows.margin({**MARGIN, "amount": 12}).amount == 12
    assert rows.margin({"currency": "XBt", "walletBalance": 12}).amount is None


@pytest.fixture(scope="module")
def terminal() -> Iterator[Harness]:
    venue = start_exchange(seed=3, no_limits=True)
    symbols = (XBTUSD, XBTUSDT, SPOT)
    try:
        with running(
            settings(venue.rest, venue.ws, symbols, Depth.TEN, venue.key, venue.secret)
        ) as harness:
            harness.result(FetchInstruments(symbols), tuple)
            yield harness
    finally:
        venue.stop()


def test_a_trade_moves_position_margin_and_wallet(terminal: Harness) -> None:
    terminal.connect((XBTUSDT,))
    ask = terminal.wait(lambda: terminal.gateway.ticker(XBTUSDT).ask, "an ask")
    price = (ask * Decimal("1.01")) // Decimal("0.1") * Decimal("0.1")
    sent = SendOrder("1.Audit", XBTUSDT, Side.BUY, 1000, price)
    assert terminal.result(sent, Order).phase is Phase.FILLED
    positions = {p.symbol: p for p in terminal.result(FetchPositions(), tuple)}
    assert positions[XBTUSDT].quantity == 1000
    assert positions[XBTUSDT].currency == "USDt"
    margins = {m.currency: m for m in terminal.result(FetchMargins(), tuple)}
    assert all(isinstance(m, Margin) for m in margins.values())
    page = terminal.result(FetchWallet(0), WalletPage)
    assert not page.full
    assert page.changes[0].at >= page.changes[-1].at
    sums = add_up(page.changes[::-1])
    assert {c: s.total for c, s in sums.items()} == {c: m.amount for c, m in margins.items()}
    assert sums["USDt"].result < 0  # the fee
    assert sums["USDt"].breaks == ()
    rest = terminal.result(FetchWallet(page.rows), WalletPage)
    assert (rest.changes, rest.rows) == ((), 0)


@pytest.mark.needs_shared
def test_recorded_wallet_rows_can_be_read(shared_folder: Path) -> None:
    path = shared_folder / "bitmex/samples/xchange/rest/api_v1_user_wallethistory.json"
    served = as_rows(decode_exact(path.read_text(encoding="utf-8")))
    changes = [audit_rows.wallet_change(row) for row in served]
    assert {c.kind for c in changes if c} == {WalletKind.SPOT, WalletKind.EXTERNAL}
