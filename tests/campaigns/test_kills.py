"""The short form of the campaign of kills, and that it finds every kind of fault."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.campaigns.kills import Outcome, database_killed, terminal_killed
from tests.campaigns.row_by_row import SCHEMES
from tests.campaigns.truth import Coin, Tables, kinds, wrongs
from tests.support.database import MariaDB

EXPECTED = {"asks": "partial", "trusts": "doubled", "hurries": "lost"}  # fault of each control
MOST_CONTROLS = 5  # of 6 kills each; the first one or two are enough
SENT: dict[str, Any] = {
    "executions": [
        {"execID": "t", "kind": "Trade", "symbol": "S", "contracts": -5, "cost": 70, "fee": 3,
         "currency": "c"},
        {"execID": "f", "kind": "Funding", "symbol": "S", "contracts": 0, "cost": 900, "fee": 10,
         "currency": "c"},
    ],
    "ledger": {"instruments": {"S": {"contracts": -5, "cost": 70, "fee": 3, "funding": 10}}},
}  # fmt: skip
TRADE = Coin("t", "a", "S", "c", -5, -70, 3, is_funding=False)
SHARE = Coin("f", "a", "S", "c", 0, 0, 4, is_funding=True)
REST = replace(SHARE, emi="b", commission=6)
WHOLE = (TRADE, SHARE, REST)


def spotless(outcome: Outcome, kills: int) -> None:
    assert outcome.faults == []
    assert outcome.kills == kills
    assert outcome.executions > 10 * kills
    assert outcome.rows > outcome.executions  # funding was split


def test_l1_a_terminal_that_is_killed_again_and_again_loses_and_doubles_nothing() -> None:
    spotless(terminal_killed(1, 3), 3)


def test_d2_a_database_that_is_killed_again_and_again_loses_and_doubles_nothing(
    database_server: MariaDB,
) -> None:
    spotless(database_killed(3, 3, database_server), 3)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_kills_break_a_scheme_that_commits_row_by_row(scheme: str) -> None:
    found = Counter[str]()
    for seed in range(MOST_CONTROLS):
        found += kinds(terminal_killed(seed, 6, scheme=scheme).faults)
        if found[EXPECTED[scheme]]:
            return
    raise AssertionError(f"{scheme} was not caught: {found}")


# ---- what is compared ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coins", "kind"),
    [
        ((SHARE, REST), "lost"),
        ((*WHOLE, TRADE), "doubled"),
        ((*WHOLE, SHARE), "doubled"),
        ((TRADE, SHARE), "partial"),
        ((replace(TRADE, real=-71), SHARE, REST), "wrong"),
        ((replace(TRADE, commission=2), SHARE, REST), "wrong"),
        ((replace(TRADE, contracts=5), SHARE, REST), "wrong"),
        ((*WHOLE, replace(TRADE, exec_id="x")), "invented"),
    ],
)
def test_every_kind_of_fault_is_found_in_the_row_and_in_the_sums(
    coins: tuple[Coin, ...], kind: str
) -> None:
    journal = Tables(WHOLE, Counter(("t", "f")))
    assert wrongs(SENT, journal) == []
    found = kinds(wrongs(SENT, replace(journal, coins=coins)))
    assert found[kind] == 1, found
    assert set(found) == {kind, "sum"}


@pytest.mark.parametrize(
    ("ids", "kind"), [(("t",), "lost"), (("t", "t", "f"), "doubled"), (("t", "f", "x"), "invented")]
)
def test_a_journal_that_is_not_what_was_sent_is_found(ids: tuple[str, ...], kind: str) -> None:
    assert set(kinds(wrongs(SENT, Tables(WHOLE, Counter(ids))))) == {kind}
    assert wrongs(SENT, Tables(WHOLE, Counter(ids)), journal=False) == []
