"""What is typed about a bot: names by the rules, timeframes, capital, typed parameters."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.domain.robots import EMI_LIMIT, Status
from display.bot_fields import (
    TIMEFRAMES,
    Field,
    Kind,
    ParameterValue,
    read_capital,
    read_emi,
    read_field,
    read_timeframe,
)
from display.fields import FieldError
from tests.display.support import MARKET, XBTUSD, robot_row

ROBOTS = (robot_row("myBot"), robot_row("leftover", status=Status.NOT_DEFINED, position=5))
SYMBOL = "XBTUSDT.linear"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must not be empty"),
        ("a" * (EMI_LIMIT + 1), f"{EMI_LIMIT} characters at most"),
        ("my bot", "no blanks"),
        ("a\tb", "no blanks"),
        ("XBTUSDT.linear", "RESERVED"),
        ("my.bot", "no dot"),
        ("MYBOT", "there is a bot myBot already"),
        ("myBot", "there is a bot myBot already"),
        ("Leftover", "there is a bot leftover already"),
    ],
)
def test_a_name_that_breaks_a_rule_is_answered_by_the_rule(text: str, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        read_emi(text, ROBOTS, MARKET, SYMBOL)


def test_good_names_and_the_name_of_a_bot_that_lost_its_row_are_taken() -> None:
    assert read_emi("grid_1-a", ROBOTS, MARKET, SYMBOL) == "grid_1-a"
    assert read_emi("leftover", ROBOTS, MARKET, SYMBOL) == "leftover"
    assert read_emi("myBot", ROBOTS, "Elsewhere", SYMBOL) == "myBot"
    with pytest.raises(FieldError, match="close them first"):
        read_emi("leftover", ROBOTS, MARKET, str(XBTUSD.symbol))


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1", 1), ("5m", 5), (" 90 min ", 90), ("4h", 240), ("1D", 1440), ("1d", 1440), ("24h", 1440)],
)
def test_timeframes_are_minutes_or_what_traders_write(text: str, minutes: int) -> None:
    assert read_timeframe(text) == minutes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write minutes"),
        ("5x", "write minutes"),
        ("-5", "write minutes"),
        ("0", "from 1 minute"),
        ("2D", "from 1 minute"),
        ("1441", "from 1 minute"),
        ("7", "7 minutes do not divide a day: 6 or 8 do"),
        ("5h", "300 minutes do not divide a day: 288 or 360 do"),
    ],
)
def test_what_does_not_divide_a_day_is_answered_by_what_does(text: str, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        read_timeframe(text)


def test_every_timeframe_that_is_offered_can_be_used() -> None:
    assert [1440 % read_timeframe(each) for each in TIMEFRAMES] == [0] * len(TIMEFRAMES)


def test_capital_is_a_whole_number_of_lots() -> None:
    assert read_capital("10") == 10
    for text in ("", "0", "-1", "1.5", "x", "9" * 15):
        with pytest.raises(FieldError, match="lots"):
            read_capital(text)


INT = Field("period", Kind.INT, "20", "2", "500")
DECIMAL = Field("step", Kind.DECIMAL, "0.5", "-1.5", "")
FLOAT = Field("ratio", Kind.FLOAT, "0.1", "", "1")


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (INT, " 20 ", 20),
        (DECIMAL, "-1.50", Decimal("-1.50")),
        (DECIMAL, "0.1", Decimal("0.1")),
        (FLOAT, "-3,5", -3.5),
        (Field("on", Kind.BOOL, "no"), "yes", True),
        (Field("on", Kind.BOOL, "no"), "no", False),
        (Field("side", Kind.CHOICE, "both", choices=("both", "long")), "long", "long"),
        (Field("note", Kind.TEXT, ""), " a b ", " a b "),
    ],
)
def test_a_parameter_is_read_as_what_it_was_declared(
    field: Field, text: str, value: ParameterValue
) -> None:
    found = read_field(field, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (INT, "1", "a whole number from 2 to 500"),
        (INT, "501", "a whole number from 2 to 500"),
        (INT, "2.5", "a whole number from 2 to 500"),
        (INT, "many", "a whole number from 2 to 500"),
        (DECIMAL, "-1.51", "a decimal number, -1.5 or more"),
        (FLOAT, "1.0001", "a number, 1 or less"),
        (FLOAT, "nan", "a number, 1 or less"),
        (Field("side", Kind.CHOICE, "both", choices=("both", "long")), "short", "both, long"),
    ],
)
def test_what_is_not_allowed_is_answered_by_what_is(field: Field, text: str, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        read_field(field, text)
