"""Ten bots on three symbols and four timeframes: every bar once, and books like the exchange's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bots.equivalent import STRATEGY, specified
from tests.bots.hour import SYMBOLS, TEN, TIMEFRAMES, Market, run


def check(market: Market, least: int) -> None:
    assert market.missing_or_doubled() == []
    assert market.books_that_differ() == []
    assert market.runner.failed == []
    assert len(market.executions()) >= least
    traded = [bot for bot in market.bots if market.orders_of(bot.emi)]
    assert len(traded) > len(market.bots) / 2


def test_ten_bots_on_three_symbols_and_four_timeframes_agree_with_the_exchange(
    tmp_path: Path,
) -> None:
    assert {bot.symbol for bot in TEN} == set(SYMBOLS)
    assert {bot.timeframe for bot in TEN} == set(TIMEFRAMES)
    check(run(tmp_path, STRATEGY, 16), least=5)


@pytest.mark.needs_shared
def test_the_specified_strategy_agrees_with_the_exchange_for_ten_bots(tmp_path: Path) -> None:
    check(run(tmp_path, specified()["strategy.py"], 16), least=5)


@pytest.mark.needs_shared
def test_the_strategy_of_our_own_sends_what_the_specified_one_sends(tmp_path: Path) -> None:
    texts = {"own": STRATEGY, "specified": specified()["strategy.py"]}
    sent = {}
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        market = run(tmp_path / name, text, 7, TEN[:3])
        sent[name] = [market.orders_of(bot.emi) for bot in TEN[:3]]
    assert sent["own"] == sent["specified"]
    assert any(sent["own"])
