"""The short form of the campaign of sessions, and that it finds what must not happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from common.domain.instruments import Symbol
from common.domain.robots import reserved_emi
from common.engine import take_snapshot
from common.engine.market import Market
from common.engine.snapshot import AccountRow
from common.ledger import booking
from tests.campaigns import sessions
from tests.campaigns.sessions import Session, campaign, in_file, never, on_server
from tests.support.database import MariaDB

ACTIONS = 140  # with the first two seeds enough for everything to happen
MOST_SEEDS = 8  # within which everything must have happened


def test_after_long_sessions_books_and_exchange_agree_and_everything_happened(
    mariadb: MariaDB,
) -> None:
    outcomes, happened = campaign([1], in_file, ACTIONS)
    more, again = campaign([2], partial(on_server, mariadb), ACTIONS)
    outcomes, happened = outcomes + more, happened + again
    for seed in range(3, MOST_SEEDS):  # what chance has left out comes with the next ones
        if never(happened):
            more, again = campaign([seed], in_file, ACTIONS)
            outcomes, happened = outcomes + more, happened + again
    assert {o.seed: o.violations for o in outcomes if o.violations} == {}
    assert min(outcome.executions for outcome in outcomes) > 80
    assert happened["verified"] == len(outcomes) * sessions.QUIET_POINTS
    assert never(happened) == []


# ---- what must be found -------------------------------------------------------------------------


def _to_nobody(order: object, symbol: Symbol, standing: object) -> str:
    return reserved_emi(symbol)


def _without_the_remainder(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    total = sum(weights.values())
    return {emi: amount * weight // total for emi, weight in weights.items()}


def _free_of_charge(market: Market, currency: str) -> AccountRow:
    return replace(_SUMS(market, currency), commission=0)


_SUMS = take_snapshot._sums


@pytest.mark.parametrize(
    ("where", "name", "broken", "said"),
    [
        (booking, "owner", _to_nobody, "position of"),
        (booking, "allocate", _without_the_remainder, "sum of funding"),
        (take_snapshot, "_sums", _free_of_charge, "CONTROL of"),
    ],
)
def test_books_that_are_kept_wrongly_are_found(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    where: object,
    name: str,
    broken: object,
    said: str,
) -> None:
    monkeypatch.setattr(where, name, broken)
    monkeypatch.setattr(sessions, "QUIET_POINTS", 1)
    monkeypatch.setattr(sessions, "CALM", 30.0)
    found = Session(1, tmp_path, in_file(tmp_path), actions=100).run().violations
    assert any(said in text for text in found), found
