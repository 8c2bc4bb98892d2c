"""Declared parameters: what they may be, and what is said of texts that do not fit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import loading
from bots.api import Parameter, Strategy, parameters
from bots.declared import info_of, specs_of
from bots.sources import forget
from common.domain.parameters import ParameterKind, ParameterSpec, text_of, value_of, values_of
from common.errors import BadParameter, StrategyError

PERIOD = ParameterSpec("period", ParameterKind.INTEGER, "10", low="2", high="500")


class Trend(Strategy):
    """Follow the trend.

    And more of it.
    """

    period = Parameter(20, low=2, high=500, help="bars")
    width = Parameter(Decimal("1.5"), low=0)
    short = Parameter(True)
    side = Parameter("both", choices=("both", "long"))


class Wider(Trend):
    width = Parameter(Decimal("3"))
    note = Parameter("")


@parameters(PERIOD=Parameter(10, low=1), share=Parameter(0.25, low=0, high=1))
def plain(robot: dict[str, object], frame: object, ticker: object, instrument: object) -> None:
    """Buy what falls."""


def test_a_class_declares_by_its_attributes_in_their_order() -> None:
    specs = {spec.name: spec for spec in specs_of(Trend)}
    assert list(specs) == ["period", "width", "short", "side"]
    assert specs["period"] == ParameterSpec(
        "period", ParameterKind.INTEGER, "20", "2", "500", "", (), "bars"
    )
    kinds = [ParameterKind.INTEGER, ParameterKind.DECIMAL, ParameterKind.BOOLEAN]
    assert [spec.kind for spec in specs.values()] == [*kinds, ParameterKind.CHOICE]
    assert [spec.default for spec in specs.values()] == ["20", "1.5", "true", "both"]


def test_a_derived_class_declares_what_it_inherits_and_what_it_changes() -> None:
    assert {s.name: s.default for s in specs_of(Wider)} == {
        **{"period": "20", "short": "true", "side": "both"},
        **{"width": "3", "note": ""},
    }


def test_a_function_declares_by_its_decorator() -> None:
    assert [(s.name, str(s.kind), s.default) for s in specs_of(plain)] == [
        ("PERIOD", "int", "10"),
        ("share", "float", "0.25"),
    ]


def test_a_strategy_is_shown_with_the_first_line_of_its_docstring() -> None:
    assert info_of("trend:Trend", Trend, "trend.py").title == "Follow the trend."
    assert info_of("plain:plain", plain, "plain.py").title == "Buy what falls."


def test_an_attribute_of_an_instance_is_its_value_and_of_the_class_the_declaration() -> None:
    strategy = Trend()
    strategy.__dict__["period"] = 7
    assert (strategy.period, strategy.width) == (7, Decimal("1.5"))
    assert isinstance(Trend.period, Parameter)


@pytest.mark.parametrize(
    ("text", "value"), [("2", 2), (" 500 ", 500), ("7.0", 7), ("1e1", 10), ("+5", 5)]
)
def test_a_whole_number_is_taken_however_it_is_written(text: str, value: int) -> None:
    found = value_of(PERIOD, text)
    assert (found, type(found)) == (value, int)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "501",
        "2.5",
        "",
        "ten",
        "nan",
        "inf",
        "-3",
        "1e999999999",
        "9" * 99,
        "\u0661\u0662",
        "1,5",
    ],
)
def test_what_does_not_fit_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(BadParameter, match=r"period is .*; it is a whole number from 2 to 500"):
        value_of(PERIOD, text)


@pytest.mark.parametrize(("text", "value"), [("Yes", True), ("off", False), ("1", True)])
def test_a_switch_is_taken_in_words(text: str, value: bool) -> None:
    assert value_of(ParameterSpec("s", ParameterKind.BOOLEAN, "true"), text) is value


def test_a_switch_that_says_neither_is_refused() -> None:
    with pytest.raises(BadParameter, match="true or false"):
        value_of(ParameterSpec("s", ParameterKind.BOOLEAN, "true"), "perhaps")


def test_a_choice_is_one_of_its_texts() -> None:
    spec = ParameterSpec("side", ParameterKind.CHOICE, "both", choices=("both", "long"))
    assert value_of(spec, "long") == "long"
    with pytest.raises(BadParameter, match="one of both, long"):
        value_of(spec, "short")


def test_a_text_has_no_line_breaks() -> None:
    spec = ParameterSpec("note", ParameterKind.TEXT, "")
    assert value_of(spec, " as it is ") == " as it is "
    with pytest.raises(BadParameter, match="a text of up to"):
        value_of(spec, "two\nlines")


def test_values_are_the_given_ones_and_else_the_defaults() -> None:
    assert values_of(specs_of(plain), {"share": "0.5"}) == {"PERIOD": 10, "share": 0.5}


def test_a_parameter_that_is_not_declared_is_refused() -> None:
    with pytest.raises(BadParameter, match="no parameter 'priod'; known: PERIOD, share"):
        values_of(specs_of(plain), {"priod": "3"})


@given(st.one_of(st.integers(-(10**12), 10**12), st.decimals(-1000, 1000, places=6), st.booleans()))
def test_a_value_comes_back_from_its_text(value: int | Decimal) -> None:
    kinds = {
        bool: ParameterKind.BOOLEAN,
        int: ParameterKind.INTEGER,
        Decimal: ParameterKind.DECIMAL,
    }
    spec = ParameterSpec("x", kinds[type(value)], "0")
    assert value_of(spec, text_of(value)) == value


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (Parameter(5, low=10), "its own default does not fit"),
        (Parameter("a", choices=("b", "c")), "its own default does not fit"),
        (Parameter("a", low=1), "only numbers have low, high and step"),
        (Parameter(1, low=float("nan")), "no bound"),
        (Parameter(object()), "no int, float, Decimal, bool or str"),  # type: ignore[type-var]
    ],
)
def test_a_declaration_that_contradicts_itself_is_told(declared: Parameter[int], says: str) -> None:
    with pytest.raises(StrategyError, match=says):
        declared.spec("x")


def test_the_programs_strategies_are_found_again_after_those_of_a_profile(tmp_path: Path) -> None:
    loading.open_folder(str(tmp_path))
    forget()
    with pytest.raises(StrategyError, match="has no module trend"):
        loading.attribute_of("trend:Trend")
    loading.open_folder(None)
    assert isinstance(loading.attribute_of("trend:Trend"), type)
    forget()
