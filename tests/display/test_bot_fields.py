"""What is typed about a bot: names by the rules, timeframes, capital, typed parameters."""

from __future__ import annotations

import pytest

from common.domain.parameters import ParameterKind, ParameterSpec
from common.domain.robots import EMI_LIMIT, Status
from display.bot_fields import (
    TIMEFRAMES,
    read_capital,
    read_emi,
    read_parameter,
    read_timeframe,
    step_parameter,
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


INT = ParameterSpec("period", ParameterKind.INTEGER, "20", "2", "500", "5")
DECIMAL = ParameterSpec("step", ParameterKind.DECIMAL, "0.5", "-1.5")
FLOAT = ParameterSpec("ratio", ParameterKind.FLOAT, "0.1", "", "1")
CHOICE = ParameterSpec("side", ParameterKind.CHOICE, "both", choices=("both", "long"))
TEXT = ParameterSpec("note", ParameterKind.TEXT, "")


@pytest.mark.parametrize(
    ("spec", "text", "kept"),
    [
        (INT, " 20 ", "20"),
        (DECIMAL, "-1.50", "-1.50"),
        (FLOAT, "-3.5", "-3.5"),
        (CHOICE, "long", "long"),
        (TEXT, " a b ", " a b "),
    ],
)
def test_a_parameter_is_kept_as_the_text_that_was_typed(
    spec: ParameterSpec, text: str, kept: str
) -> None:
    assert read_parameter(spec, text) == kept


@pytest.mark.parametrize(
    ("spec", "text", "words"),
    [
        (INT, "1", "a whole number from 2 to 500"),
        (INT, "501", "a whole number from 2 to 500"),
        (INT, "2.5", "a whole number from 2 to 500"),
        (INT, "", "a whole number from 2 to 500"),
        (DECIMAL, "-1.51", "a number of -1.5 or more"),
        (FLOAT, "nan", "a number of 1 or less"),
        (CHOICE, "short", "one of both, long"),
    ],
)
def test_what_is_not_allowed_is_answered_by_what_is(
    spec: ParameterSpec, text: str, words: str
) -> None:
    with pytest.raises(FieldError, match=words):
        read_parameter(spec, text)


@pytest.mark.parametrize(
    ("spec", "text", "steps", "after"),
    [
        (INT, "20", 1, "25"),
        (INT, "4", -1, "2"),
        (INT, "499", 1, "500"),
        (INT, "x", 1, "20"),
        (DECIMAL, "0.5", -1, "0.4"),
        (FLOAT, "1", 1, "1"),
        (TEXT, "abc", 1, "abc"),
    ],
)
def test_arrows_stay_within_the_bounds(
    spec: ParameterSpec, text: str, steps: int, after: str
) -> None:
    assert step_parameter(spec, text, steps) == after
