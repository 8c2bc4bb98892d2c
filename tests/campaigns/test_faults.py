"""The short form of the campaign of faults, and that it would find what must not happen."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.engine.inquiry import Inquiry
from common.engine.order_wire import OrderWire
from tests.campaigns import faults
from tests.campaigns.driver import right, run_until, twice
from tests.campaigns.faults import Storm, campaign, drawn, silent
from tests.campaigns.switches import SWITCHES

SEEDS = 10  # one round of the deck
MOST_SEEDS = 80  # within which every switch must have fired


def test_after_every_storm_all_is_right_again_within_a_minute_and_every_switch_fired() -> None:
    outcomes, fired = run_until(campaign, SEEDS, MOST_SEEDS, silent)
    right(outcomes, faults.CALM)
    assert sum(outcome.executions for outcome in outcomes) > 100
    assert silent(fired) == []


def test_a_round_of_seeds_deals_every_switch() -> None:
    assert {switch for seed in range(SEEDS) for switch in drawn(seed)} == set(SWITCHES)
    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_an_order_that_is_sent_twice_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "STORM", 120.0)
    monkeypatch.setattr(OrderWire, "send", twice(OrderWire.send))
    assert Storm(1, tmp_path).run().violations


def test_an_intent_without_an_end_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "STORM", 120.0)
    monkeypatch.setattr(Inquiry, "settle", lambda *_: None)
    assert any("no end" in text for text in Storm(2, tmp_path).run().violations)
