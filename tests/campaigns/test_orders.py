"""The short form of the campaign of orders, and that it finds what must not happen."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.engine import limits
from common.engine.dead_man import DeadMan
from common.engine.inquiry import Inquiry
from common.engine.order_gate import OrderGate, Ticket
from common.engine.order_numbers import OrderNumbers
from common.engine.order_wire import OrderWire
from common.engine.orders import OrderMirror
from tests.campaigns import line, orders, watched
from tests.campaigns.driver import right, run_until, twice
from tests.campaigns.orders import OrderStorm, campaign, silent

SEEDS = 3
MOST_SEEDS = 20  # within which this must have happened
ALWAYS = ("F9 OFF in a call", "F9 OFF in a storm", "bot OFF in a call", "kill", "F3", "flatten")


def test_no_history_of_orders_violates_what_is_always_true() -> None:
    def missing(happened: Counter[str]) -> set[str]:
        return set(ALWAYS) & set(silent(happened))

    outcomes, happened = run_until(campaign, SEEDS, MOST_SEEDS, missing)
    right(outcomes, orders.CALM)
    assert sum(outcome.orders for outcome in outcomes) > 20
    assert not missing(happened)


def _same_block(reserved: Callable[..., None]) -> Callable[..., None]:
    """Every process begins with the same numbers."""
    return lambda numbers, _first, count: reserved(numbers, 1000, count)


def _nothing(*_given: object, **_more: object) -> None:
    """Do not do what was asked."""


def _untold(inquiry: Inquiry, cl_ord_id: str, *_: object) -> None:
    """Settle an intent without a word to the books."""
    inquiry._from_before.discard(cl_ord_id)


# invariant -> where the program is broken, and how
BROKEN: dict[str, tuple[Any, str, Any]] = {
    "I-19": (OrderMirror, "drop", lambda mirror, key: mirror.live.get(key)),
    "I-20": (OrderWire, "send", twice(OrderWire.send)),
    "I-21": (Inquiry, "settle", _untold),
    "I-22": (OrderGate, "stands", lambda *_: True),
    "I-23": (limits, "check_capital", _nothing),
    "I-24": (OrderNumbers, "reserved", _same_block(OrderNumbers.reserved)),
    "I-25": (DeadMan, "disarm", _nothing),
    "in time": (Ticket, "refusal", lambda ticket: ticket.permit.refusal() if ticket.permit else ""),
}


OF_BOTS = ("I-22", "I-23")


@pytest.mark.parametrize("invariant", BROKEN)
def test_what_is_broken_is_found(invariant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "STORMS", 1)
    monkeypatch.setattr(orders, "CALM", 5.0)
    if invariant in OF_BOTS:
        monkeypatch.setattr(orders, "ACTS", {"f9": 10, "bot": 2, "fill": 5})
        monkeypatch.setattr(orders, "SWITCHED", 0)
        monkeypatch.setattr(line, "MOST_WAIT", 8.0)
        monkeypatch.setattr(watched, "CAPITAL", 2)  # they want more than they may
    if invariant == "in time":
        monkeypatch.setattr(line, "MOST_WAIT", 20.0)
    monkeypatch.setattr(*BROKEN[invariant])
    for seed in range(0, 24, 3):  # with a dead man's switch
        with tempfile.TemporaryDirectory() as folder:
            found = OrderStorm(seed, Path(folder)).run().violations
        if any(violation.startswith(invariant) for violation in found):
            return
    pytest.fail(f"nobody noticed that {invariant} was broken")
