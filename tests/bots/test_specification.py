"""The strategy of the specification and the program's own example, unchanged, in real workers."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from common.domain.orders import Side
from tests.bots.terminal import MARKET, SYMBOL, bar, terminal, ticker, view
from tests.support.places import SHARED

RISING = [bar(minute, 50_000.0 + minute) for minute in range(12)]
FALLING = [bar(minute, 50_000.0 - minute) for minute in range(12)]


def specified_algo(folder: Path) -> Path:
    """Extract `init.py` and `strategy.py` as they stand in the text."""
    text = (SHARED / "specification.md").read_text(encoding="utf-8")
    chapter = text.split("## Add trading algorithm")[1]
    blocks = re.findall(r"```python\n(.*?)```", chapter, flags=re.DOTALL)
    init = next(block for block in blocks if "def init_algo" in block)
    strategy = next(block for block in blocks if "def algo(" in block)
    algo = folder / "algo"
    algo.mkdir()
    (algo / "init.py").write_text(init, encoding="utf-8")
    (algo / "strategy.py").write_text(strategy, encoding="utf-8")
    return algo


@pytest.mark.needs_shared
def test_v7_the_specified_strategy_posts_moves_and_cancels(tmp_path: Path) -> None:
    bot = view("myBot")
    with terminal(specified_algo(tmp_path)) as desk:
        assert desk.load(bot, history={"myBot": RISING[:-1]}) == {"myBot": ""}

        desk.bar(bot, RISING[-1:])
        (post,) = desk.asked
        # indent = (hi - lo) / 3 = 2; bid - 2 = 49998
        assert (post.verb, post.market, post.symbol) == ("post", MARKET, SYMBOL)
        assert (post.on_behalf_of, post.side) == ("myBot", Side.BUY)
        assert (post.price, post.quantity) == (Decimal(49998), 100)

        desk.asked.clear()
        desk.bar(bot, [bar(12, 50_012.0)])
        assert desk.asked == []  # it is right already

        desk.bar(bot, [bar(13, 50_013.0)], ticker("50001", "50001.5"))
        (put,) = desk.asked
        assert (put.verb, put.cl_ord_id) == ("put", "1.myBot")
        assert (put.price, put.quantity) == (Decimal(49999), 100)

        desk.asked.clear()
        desk.bar(bot, [bar(14, 49_000.0)])
        sell, delete = desk.asked
        assert (sell.verb, sell.side, sell.price) == ("post", Side.SELL, Decimal("50002.5"))
        assert (delete.verb, delete.cl_ord_id) == ("del", "1.myBot")
        assert list(desk.orders) == ["2.myBot"]


@pytest.mark.needs_shared
def test_the_specified_strategy_counts_its_position_in(tmp_path: Path) -> None:
    with terminal(specified_algo(tmp_path)) as desk:
        desk.load(view("myBot"), history={"myBot": FALLING})
        desk.bar(view("myBot", position=100, capital=3))
        (post,) = desk.asked
        # 0.0001 * 3 * 1000000 is 300.00000000000006 in binary
        assert (post.side, post.quantity) == (Side.SELL, 400)


@pytest.mark.needs_shared
def test_the_specified_strategy_is_not_called_before_it_has_enough_bars(tmp_path: Path) -> None:
    with terminal(specified_algo(tmp_path)) as desk:
        desk.load(view("myBot"), history={"myBot": RISING[:9]})
        desk.bar(view("myBot"), RISING[9:10])
        assert desk.asked == []
        desk.bar(view("myBot"), RISING[10:11])
        assert len(desk.asked) == 1


def test_the_example_buys_below_the_average_and_sells_what_it_has() -> None:
    with terminal(None) as desk:
        assert desk.load(view("demoBot"), history={"demoBot": FALLING}) == {"demoBot": ""}
        desk.bar(view("demoBot"))
        (buy,) = desk.asked
        assert (buy.side, buy.price, buy.quantity) == (Side.BUY, Decimal(50_000), 100)

        desk.asked.clear()
        desk.bar(view("demoBot"))
        assert desk.asked == []

        desk.bar(view("demoBot", position=100), [bar(12, 60_000.0)])
        delete, sell = desk.asked
        assert (delete.verb, delete.cl_ord_id) == ("del", "1.demoBot")
        assert (sell.verb, sell.side, sell.price) == ("post", Side.SELL, Decimal("50000.5"))
        assert sell.quantity == 100

        desk.asked.clear()
        desk.bar(view("demoBot"))
        assert [order.verb for order in desk.asked] == ["del"]
        assert desk.orders == {}


def test_the_example_does_not_mind_that_its_bot_is_absent() -> None:
    with terminal(None) as desk:
        problems = desk.load(view("other"))
    assert 'bot.robo["other"] is missing' in problems["other"]
