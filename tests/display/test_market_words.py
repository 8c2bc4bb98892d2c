"""What is said of markets and networks."""

from __future__ import annotations

from common.domain.executions import Network
from common.engine.snapshot import Health
from display.market_words import MODES, worst_market
from tests.display import support


def test_the_worst_market_is_the_one_to_know() -> None:
    live, blocked = support.market_row(), support.market_row(Health.BLOCKED, "key refused")
    assert worst_market([live, blocked, live]) is blocked
    assert worst_market([]) is None


def test_modes_are_words() -> None:
    assert [MODES[each] for each in Network] == ["REAL", "TESTNET", "DEMO"]
