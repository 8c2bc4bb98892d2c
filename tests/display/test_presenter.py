from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from common.domain.orders import Phase, Side
from common.domain.robots import Status
from display import columns
from display.cells import Tone
from display.presenter import (
    account_row,
    funding_row,
    order_row,
    position_row,
    robot_row,
    status_tone,
    trade_row,
)
from tests.display import support
from tests.display.support import XBTUSD, XBTUSDT


def test_a_long_position_is_shown_with_every_column() -> None:
    row = position_row(support.position_row(0))
    titles = [column.title for column in columns.POSITIONS]
    assert titles == [
        *("SYMBOL", "CAT", "POS", "ENTRY", "PNL", "MCALL", "STATE", "VOL24h", "EXPIRY", "FUND")
    ]
    assert dict(zip(titles, row.texts, strict=True)) == {
        "SYMBOL": "XBTUSDT",
        "CAT": "linear",
        "POS": "0.250",
        "ENTRY": "68409.2",
        "PNL": "+12.345678",
        "MCALL": "34206.2",
        "STATE": "Open",
        "VOL24h": "98765.4321",
        "EXPIRY": "Perpetual",
        "FUND": "+0.0127%",
    }
    assert row.tones[2] is Tone.GOOD


def test_a_flat_symbol_stays_listed_without_figures_of_a_position() -> None:
    row = position_row(support.position_row(3))
    assert row.texts[:6] == ("ETHUSD", "quanto", "0", "-", "-", "-")


def test_expiry_is_a_date_a_perpetual_or_nothing() -> None:
    expiries = [position_row(support.position_row(number)).texts[8] for number in (2, 4, 5)]
    assert expiries == ["Perpetual", "-", "2026-12-25"]


def test_an_instrument_that_is_not_open_is_marked() -> None:
    row = position_row(replace(support.position_row(0), state="Settled"))
    assert (row.texts[6], row.tones[6]) == ("Settled", Tone.WARN)


def test_an_order_shows_its_rest_and_its_bot() -> None:
    row = order_row(support.order_row(2, Side.SELL))
    assert row.texts == (
        *("2026-11-23 04:05:04", "XBTUSDT", "linear", "Bitmex", "Sell", "68426.0", "0.003"),
        "myBot",
    )
    assert row.key == "1109594185.myBot"


def test_an_order_that_is_not_confirmed_says_so_in_words() -> None:
    assert order_row(support.order_row(2, phase=Phase.PENDING)).texts[-1] == "myBot (pending)"
    assert order_row(support.order_row(2, phase=Phase.UNKNOWN)).texts[-1] == "myBot (unknown)"


def test_an_order_without_price_shows_its_kind_or_trigger() -> None:
    market = replace(support.order_row(1), price=None, kind="Market")
    stop = replace(market, kind="Stop", stop_price=Decimal("60000"))
    assert order_row(market).texts[5] == "Market"
    assert order_row(stop).texts[5] == "Stop 60000.0"


def test_a_trade_is_shown_at_the_price_it_was_done_at() -> None:
    texts = trade_row(support.entry_row(1)).texts
    assert (texts[4], texts[5], texts[6], texts[7]) == ("Buy", "171.27", "0.2", "myBot")
    assert trade_row(support.entry_row(2)).texts[4] == "Sell"


def test_a_trade_of_a_symbol_that_is_not_subscribed_shows_contracts() -> None:
    row = replace(support.entry_row(1), instrument=None)
    assert trade_row(row).texts[6] == "2000"


def test_funding_that_was_paid_is_a_loss() -> None:
    paid = funding_row(support.entry_row(2, funding=True))
    received = funding_row(support.entry_row(1, funding=True))
    assert (paid.texts[-1], paid.tones[-1]) == ("-0.00002468", Tone.BAD)
    assert (received.texts[-1], received.tones[-1]) == ("+0.001234", Tone.GOOD)


def test_an_account_row_shows_money_to_the_last_digit() -> None:
    assert account_row(support.accounts()[0]).texts == (
        *("XBt", "1.23456789", "0.98765432", "2.50", "-0.00001234", "0.00000056", "-0.00000007"),
        "0.00004321",
    )
    unknown = replace(support.accounts()[0], margin_balance=None, control=None, leverage=None)
    assert account_row(unknown).texts[1] == "-"
    assert account_row(unknown).texts[-1] == "-"


def test_a_robot_row_shows_every_column() -> None:
    row = robot_row(support.robot_row("myBot", XBTUSDT, Status.WORK, 250_000, 12_345_678))
    assert row.texts == (
        *("myBot", "XBTUSDT", "linear", "USDt", "5", "10", "WORK", "0", "9.250"),
        *("+12.345678", "0.250"),
    )


@pytest.mark.parametrize(
    ("status", "position", "tone"),
    [
        (Status.WORK, 5, Tone.GOOD),
        (Status.OFF, 0, Tone.BAD),
        (Status.NOT_DEFINED, 5, Tone.BAD),
        (Status.NOT_IN_LIST, 5, Tone.BAD),
        (Status.ERROR, 0, Tone.BAD),
        (Status.RESERVED, 0, Tone.DIM),
        (Status.RESERVED, -5, Tone.BAD),
    ],
)
def test_status_is_red_where_a_person_should_look(
    status: Status, position: int, tone: Tone
) -> None:
    assert status_tone(support.robot_row("bot", XBTUSD, status, position)) is tone
