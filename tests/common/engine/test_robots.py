"""Which bots a market shows and whose order is whose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.domain.books import Balance, Books
from common.domain.instruments import Category, Symbol
from common.domain.robots import Robot, Status
from common.engine.robots import assemble, owner
from tests.common.engine.support import INVERSE, KEY, LINEAR, XBTUSD, XBTUSDT, robot

SYMBOLS = (XBTUSDT, XBTUSD)
INSTRUMENTS = {XBTUSDT: LINEAR, XBTUSD: INVERSE}
GONE = Symbol("ETHZ24", Category.LINEAR)


def books(*robots: Robot, balances: tuple[Balance, ...] = (), **statuses: bool) -> Books:
    return Books(
        key=KEY,
        robots=robots,
        balances=balances,
        statuses=statuses,
        open_intents=(),
        cursor=None,
    )


def test_every_subscribed_symbol_has_its_reserved_bot() -> None:
    found = assemble(books(), SYMBOLS, INSTRUMENTS)
    assert {emi: r.status for emi, r in found.items()} == {
        "XBTUSDT.linear": Status.RESERVED,
        "XBTUSD.inverse": Status.RESERVED,
    }


def test_a_bot_works_unless_it_was_left_off() -> None:
    found = assemble(books(robot("a"), robot("b"), b=False), SYMBOLS, INSTRUMENTS)
    assert (found["a"].status, found["b"].status) == (Status.WORK, Status.OFF)


def test_a_bot_appears_only_if_its_symbol_is_subscribed() -> None:
    assert "a" not in assemble(books(robot("a", GONE)), SYMBOLS, INSTRUMENTS)


def test_positions_without_a_bot_show_as_not_defined_or_not_in_list() -> None:
    balances = (
        Balance("old", XBTUSDT, "USDt", position=500),
        Balance("far", GONE, "XBt", position=-3),
        Balance("flat", XBTUSDT, "USDt", position=0, volume=100),
    )
    found = assemble(books(balances=balances), SYMBOLS, INSTRUMENTS)
    assert found["old"].status is Status.NOT_DEFINED
    assert found["far"].status is Status.NOT_IN_LIST
    assert "flat" not in found


def test_a_bot_with_past_rows_of_another_currency_is_an_error() -> None:
    past = Balance("a", XBTUSD, "XBt", volume=100)
    found = assemble(books(robot("a", XBTUSDT), balances=(past,)), SYMBOLS, INSTRUMENTS)
    assert found["a"].status is Status.ERROR
    assert "XBt" in found["a"].problem


def test_a_bot_whose_symbol_changed_while_it_holds_a_position_is_an_error() -> None:
    past = Balance("a", GONE, "USDt", position=100, volume=100)
    found = assemble(books(robot("a", XBTUSDT), balances=(past,)), SYMBOLS, INSTRUMENTS)
    assert found["a"].status is Status.ERROR
    assert "ETHZ24.linear" in found["a"].problem


@pytest.mark.parametrize("told", ["", "its row was refused"])
def test_a_bot_in_error_stands_where_its_position_is(told: str) -> None:
    row = robot("a", XBTUSDT)
    if told:
        row = replace(row, status=Status.ERROR, problem=told)
    past = Balance("a", XBTUSD, "XBt", position=100, volume=100)
    found = assemble(books(row, balances=(past,)), SYMBOLS, INSTRUMENTS)
    assert (found["a"].status, found["a"].symbol) == (Status.ERROR, XBTUSD)
    assert owner("5.a", XBTUSD, found) == "a"
    both = Balance("a", XBTUSDT, "USDt", position=-100, volume=100)
    found = assemble(books(row, balances=(past, both)), SYMBOLS, INSTRUMENTS)
    assert found["a"].symbol == XBTUSDT


@pytest.mark.parametrize(
    ("cl_ord_id", "emi"),
    [
        ("5.bot1", "bot1"),
        ("", "XBTUSDT.linear"),
        ("5.XBTUSDT.linear", "XBTUSDT.linear"),
        ("5.gone", "gone"),
        ("mm_bitmex_1a/oemUeQ4CAJZgP3fjHsA", "XBTUSDT.linear"),
        ("abc.def", "XBTUSDT.linear"),
        ("5.other", "XBTUSDT.linear"),
        ("5.", "XBTUSDT.linear"),
        (".x", "XBTUSDT.linear"),
        ("5.\u202etxt", "XBTUSDT.linear"),
    ],
)
def test_an_order_belongs_to_the_bot_that_its_number_names(cl_ord_id: str, emi: str) -> None:
    robots = {"bot1": robot("bot1"), "other": robot("other", XBTUSD)}
    assert owner(cl_ord_id, XBTUSDT, robots) == emi
