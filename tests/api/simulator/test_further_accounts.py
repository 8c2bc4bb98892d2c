from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.simulator.further_accounts import Wish, admit, parse_account
from api.simulator.venue import DEMO_ACCOUNT, DEMO_MONEY
from tests.api.simulator.trader import Trader
from tests.api.simulator.venues import new_venue
from tests.support.places import ROOT
from tests.support.venue import ExchangeProcess

Start = Callable[..., ExchangeProcess]


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("bob", Wish("bob", dict(DEMO_MONEY), frozenset({"order"}))),
        ("bob:XBt=5", Wish("bob", {"XBt": 5}, frozenset({"order"}))),
        ("b-1:XBt=5,USDt=0:", Wish("b-1", {"XBt": 5, "USDt": 0}, frozenset())),
        ("bob::read", Wish("bob", dict(DEMO_MONEY), frozenset())),
        ("bob::orderCancel,withdraw",
         Wish("bob", dict(DEMO_MONEY), frozenset({"orderCancel", "withdraw"}))),
    ],
)  # fmt: skip
def test_option_names_money_and_permissions(text: str, wish: Wish) -> None:
    assert parse_account(text) == wish


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not NAME"),
        ("a b", "is not NAME"),
        ("a:b:c:d", "is not NAME"),
        ("a:EUR=5", "'EUR' is no currency: XBt, USDt"),
        ("a:XBt=-5", "'XBt=-5' is not XBt=WHOLE NUMBER"),
        ("a:XBt=1.5", "'XBt=1.5' is not XBt=WHOLE NUMBER"),
        ("a:XBt", "'XBt' is not XBt=WHOLE NUMBER"),
        ("a::all", "'all' is no permission: read, order"),
    ],
)
def test_option_that_is_wrong_is_explained(text: str, complaint: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(complaint)):
        parse_account(text)


def test_account_is_opened_once_and_its_books_balance() -> None:
    venue = new_venue()
    wish = Wish("carol", {"XBt": 7}, frozenset())
    first: Any = admit(venue, [wish], seed=None)
    again: Any = admit(venue, [wish, Wish("second", {}, frozenset())], seed=None)
    assert again[0] == first[0]
    assert first[0]["account"] == DEMO_ACCOUNT + 2
    truth: Any = venue.interventions.truth()
    assert next(a for a in truth["accounts"] if a["username"] == "carol")["wallet"]["XBt"] == 7
    assert truth["money"] == truth["deposited"]


def as_account(running: ExchangeProcess, number: int) -> Trader:
    """Return a client of one of the further accounts of a running exchange."""
    account = running.accounts[number]
    return Trader(replace(running, key=account["key"], secret=account["secret"]))


def test_accounts_of_the_command_line_trade_and_survive_a_restart(
    exchange: Start, tmp_path: Path
) -> None:
    options = ("--account", "alice:XBt=30000000", "--account", "eve:USDt=5:read")
    running = exchange(*options, state=tmp_path / "exchange.state")
    assert [row["username"] for row in running.accounts] == ["alice", "eve"]
    alice, eve = as_account(running, 0), as_account(running, 1)
    order = alice.order(symbol="XBTUSD", side="Buy", orderQty=100, ordType="Market")
    assert order["account"] == running.accounts[0]["account"]
    wallet: Any = eve.ask("GET", "user/wallet", currency="USDt")
    assert wallet["amount"] == 5
    with pytest.raises(AssertionError, match="Access Denied"):
        eve.order(symbol="XBTUSD", side="Buy", orderQty=100, ordType="Market")
    running.kill()
    again = exchange(*options, state=tmp_path / "exchange.state")
    assert again.accounts == running.accounts
    assert [row["orderID"] for row in as_account(again, 0).rows("order")] == [order["orderID"]]


def test_account_has_no_meaning_in_a_replay() -> None:
    command = [sys.executable, "-m", "api.simulator", "--account", "a", "--replay", "x"]
    ended = subprocess.run(
        [*command, "--instruments", "y"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "--account has no meaning with --replay" in ended.stderr
