"""The second ledger: it agrees with the account rows, and notices when they are wrong."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from api.simulator.accounts import BooksDoNotBalance
from api.simulator.contracts import Contract
from api.simulator.venue import DEMO_ACCOUNT, LiveVenue
from tests.api.simulator.venues import SECOND_ACCOUNT, START, Desk, new_venue


def busy() -> tuple[Desk, Desk]:
    """Return two traders with positions of every kind, after a funding time."""
    venue = new_venue()
    first, second = Desk(venue), Desk(venue, account=SECOND_ACCOUNT)
    for symbol, size in {"XBTUSD": 700, "ETHUSD": 30, "SOLUSDT": 900, "XBT_USDT": 5_000}.items():
        first.order(symbol, "Buy", size, ordType="Market", clOrdID=f"buy {symbol}")
        second.order(symbol, "Sell", size * 2, ordType="Market")
    first.wait(minutes=31)
    second.now = first.now
    first.order("XBTUSD", "Sell", 300, ordType="Market")
    return first, second


def truth_of(desk: Desk) -> Any:
    rows: Any = desk.venue.interventions.truth()["accounts"]
    return next(row for row in rows if row["account"] == desk.account)


def test_sums_are_those_of_the_executions_that_were_reported() -> None:
    for desk in busy():
        ledger = truth_of(desk)["ledger"]
        rows = desk.get("/execution/tradeHistory", count=500)
        assert {row["symbol"] for row in rows} <= set(ledger["instruments"])
        for symbol, sums in ledger["instruments"].items():
            own = [row for row in rows if row["symbol"] == symbol]
            trades = [row for row in own if row["execType"] == "Trade"]
            signed = sum(r["lastQty"] * (1 if r["side"] == "Buy" else -1) for r in trades)
            assert sums == {
                "contracts": signed,
                "cost": sum(row["execCost"] for row in trades),
                "fee": sum(row["execComm"] for row in trades),
                "funding": sum(row["execComm"] for row in own if row not in trades),
            }
        assert any(sums["funding"] for sums in ledger["instruments"].values())


def test_executions_of_the_journal_are_the_reported_ones() -> None:
    first, _ = busy()
    noted = truth_of(first)["executions"]
    rows = first.get("/execution/tradeHistory", count=500)
    assert [entry["execID"] for entry in noted] == [row["execID"] for row in rows]
    for entry, row in zip(noted, rows, strict=True):
        assert (entry["cost"], entry["fee"]) == (row["execCost"], row["execComm"])
        assert entry["clOrdID"] == row.get("clOrdID", "")
        assert entry["time"] == row["transactTime"]


def test_money_of_an_account_is_its_deposit_less_everything_it_paid() -> None:
    for desk in busy():
        ledger, wallets = truth_of(desk)["ledger"], {"XBt": 100_000_000, "USDt": 10_000_000_000}
        for row in truth_of(desk)["executions"]:
            if row["kind"] != "Funding":
                wallets[row["currency"]] -= row["cost"]
            wallets[row["currency"]] -= row["fee"]
            if row["symbol"] == "XBT_USDT":
                wallets["XBt"] += row["contracts"]
        assert ledger["money"] == wallets


def test_money_that_went_to_the_wrong_account_is_noticed() -> None:
    first, second = busy()
    accounts = first.venue._exchange.accounts  # to break the books on purpose
    accounts[DEMO_ACCOUNT].credit("XBt", -7)
    accounts[SECOND_ACCOUNT].credit("XBt", 7)
    with pytest.raises(BooksDoNotBalance, match="the journal says"):
        second.get("/user")


def test_contracts_that_went_to_the_wrong_account_are_noticed() -> None:
    first, _ = busy()
    accounts = first.venue._exchange.accounts  # to break the books on purpose
    accounts[DEMO_ACCOUNT].positions["XBTUSD"].quantity += 100
    accounts[SECOND_ACCOUNT].positions["XBTUSD"].quantity -= 100
    with pytest.raises(BooksDoNotBalance, match="XBTUSD, the journal says"):
        first.get("/user")


def test_wrong_arithmetic_that_still_balances_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Contract.cost
    monkeypatch.setattr(Contract, "cost", lambda *given: right(*given) + given[1])
    with pytest.raises(BooksDoNotBalance, match="the journal says"):
        Desk(new_venue()).order("XBTUSD", "Buy", 100, ordType="Market")


def test_journal_survives_a_restart_and_a_damaged_one_is_refused() -> None:
    first, _ = busy()
    before = truth_of(first)
    state: Any = json.loads(json.dumps(first.venue.dump()))
    again = LiveVenue(seed=0, now=first.now)
    again.load(state)
    assert truth_of(Desk(again, first.now)) == before
    balance = next(row for row in state["journal"]["money"] if row[0] == DEMO_ACCOUNT)
    balance[2] += 1
    with pytest.raises(ValueError, match="the journal says"):
        LiveVenue(seed=0, now=first.now).load(state)
    balance[2] = "much"
    with pytest.raises(ValueError, match=r"state\.journal"):
        LiveVenue(seed=0, now=first.now).load(state)


def test_state_without_a_journal_begins_one() -> None:
    first, _ = busy()
    state: Any = json.loads(json.dumps(first.venue.dump()))
    del state["journal"]
    again = LiveVenue(seed=0, now=first.now)
    again.load(state)
    desk = Desk(again, first.now)
    desk.order("XBTUSD", "Sell", 400, ordType="Market")
    desk.wait(hours=20)
    assert truth_of(desk)["ledger"]["instruments"]["XBTUSD"]["contracts"] == 0


def test_settlement_leaves_nothing_behind() -> None:
    venue = new_venue(now=START + timedelta(days=32, hours=8))
    desk = Desk(venue, START + timedelta(days=32, hours=8))
    desk.order("XBTZ26", "Buy", 700, ordType="Market")
    desk.wait(hours=2)
    truth: Any = venue.interventions.truth()
    assert truth_of(desk)["ledger"]["instruments"]["XBTZ26"]["contracts"] == 0
    assert truth["contracts"]["XBTZ26"] == 0
    assert truth["money"] == truth["deposited"]
