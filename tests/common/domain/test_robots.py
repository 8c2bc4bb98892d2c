"""Names of strategies and timeframes that a bot may have."""

from __future__ import annotations

import pytest

from common.domain.robots import LONGEST_STRATEGY, fits_a_day, strategy_problem
from common.ledger.schema import ROBOT_SETTINGS


@pytest.mark.parametrize("name", ["a:b", "trend:Trend", "folder.module:_x1", "m" * 60 + ":f"])
def test_what_can_be_imported_names_a_strategy(name: str) -> None:
    assert strategy_problem(name) == ""


@pytest.mark.parametrize(
    "name", ["", "trend", "trend:", ":Trend", "1trend:T", "a..b:c", "a.:b", "a:os.system", "ä:b"]
)
def test_what_cannot_be_imported_is_refused_with_a_sentence(name: str) -> None:
    assert strategy_problem(name) == f"strategy {name!r} is not named like module:attribute"


def test_the_longest_name_of_a_strategy_is_as_wide_as_its_column() -> None:
    column = next(each for each in ROBOT_SETTINGS.columns if each.name == "STRATEGY")
    assert column.size == LONGEST_STRATEGY
    assert strategy_problem("m:" + "f" * (LONGEST_STRATEGY - 2)) == ""
    assert strategy_problem("m:" + "f" * (LONGEST_STRATEGY - 1)) != ""


def test_a_timeframe_divides_a_day_into_whole_bars() -> None:
    assert [m for m in (-5, 0, 1, 7, 45, 1440, 2880) if fits_a_day(m)] == [1, 45, 1440]
