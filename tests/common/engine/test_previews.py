"""What a kill level says beforehand: which orders, how many contracts, side, price, result."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from common.domain.closing import BAND, closable, estimate, limit_price
from common.domain.commands import Flatten, Scope
from common.domain.instruments import Instrument
from common.domain.market import Book
from common.domain.orders import Side
from common.domain.robots import Status, reserved_emi
from common.engine.previews import flatten_command, plan_cancel, plan_exits_only, plan_flatten
from common.engine.snapshot import BookView, Health, OrderRow, Snapshot
from tests.common.engine.support import INVERSE, LINEAR
from tests.display import support
from tests.display.support import MARKET, XBTUSDT, order_row, robot_row

SYMBOL = XBTUSDT.symbol
BOOK = Book(
    bids=((Decimal("100.0"), 3000), (Decimal("99.5"), 5000), (Decimal("90.0"), 9000)),
    asks=((Decimal("100.5"), 3000), (Decimal("101.0"), 5000)),
)


def scene(**changes: object) -> Snapshot:
    """Return two bots that offset each other, four orders, and a small book."""
    snapshot = replace(
        support.busy_snapshot(),
        robots=(
            robot_row("myBot", position=4000, pnl=7_000_000),
            robot_row("other", status=Status.OFF, position=-2000, pnl=0),
            robot_row(reserved_emi(SYMBOL), status=Status.RESERVED),
        ),
        books={SYMBOL: BookView(SYMBOL, XBTUSDT, BOOK, {}, {})},
        orders=(order_row(1, Side.SELL), order_row(2, emi="other"), foreign_row()),
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type]


def foreign_row() -> OrderRow:
    return replace(order_row(5, emi=reserved_emi(SYMBOL)), key="somebody-elses")


# ---- the estimate -----------------------------------------------------------------------------


def test_an_estimate_takes_level_after_level() -> None:
    closing = estimate(XBTUSDT, BOOK, 4000, 6)
    assert (closing.side, closing.quantity, closing.rest) == (Side.SELL, 4000, 0)
    assert closing.price == (3 * Decimal(100) + Decimal("99.5")) / 4
    assert (closing.best, closing.covered) == (Decimal(100), True)
    assert closing.received == 399_500  # contracts x price x multiplier


def test_an_estimate_goes_no_further_than_the_band() -> None:
    closing = estimate(XBTUSDT, BOOK, 12_000, 6)
    assert closing.limit == 99
    assert not closing.covered  # 90.0 is beyond it


def test_what_is_less_than_a_lot_is_left() -> None:
    closing = estimate(XBTUSDT, BOOK, -2500, 6)
    assert (closing.side, closing.quantity, closing.rest) == (Side.BUY, 2000, 500)


def test_an_empty_book_has_no_price() -> None:
    assert estimate(XBTUSDT, Book(), 4000, 6).price is None


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE])
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("best", ["0.1", "0.2", "7.3", "100.0", "68412.7"])
def test_the_limit_is_on_the_grid_inside_the_band_and_reaches_the_best_price(
    instrument: Instrument, side: Side, best: str
) -> None:
    price = Decimal(best)
    limit = limit_price(instrument, side, price)
    assert limit % instrument.tick_size == 0
    assert 0 <= (limit - price) * side.sign <= price * BAND


def test_a_position_above_the_largest_order_is_closed_in_parts() -> None:
    small = replace(LINEAR, max_quantity=1050)
    assert closable(5000, small) == 1000
    assert closable(-350, small) == 300


# ---- flatten ----------------------------------------------------------------------------------


def test_flatten_of_a_bot_names_orders_contracts_side_price_and_result() -> None:
    plan = plan_flatten(scene(), MARKET, SYMBOL, "myBot")
    assert plan.title == "Flatten myBot"
    assert plan.lines == (
        "switch OFF: myBot",
        "cancel Sell 0.002 XBTUSDT at 68425.5 (myBot)",
        "Sell 0.004 XBTUSDT of myBot at about 99.9 (limit 99.0); "
        "its result then about +6.999500 USDt (fee about 0.000000)",
    )
    assert plan.refusal == ""
    assert plan.warnings == ()
    command = flatten_command(7, plan, MARKET, SYMBOL, "myBot")
    assert command == Flatten(7, MARKET, SYMBOL, "myBot", (("myBot", Side.SELL),))


def test_flatten_of_a_symbol_says_that_its_bots_offset_each_other() -> None:
    plan = plan_flatten(scene(), MARKET, SYMBOL)
    assert plan.title == "Flatten XBTUSDT.linear"
    assert "offset each other" in plan.text()
    assert dict(plan.sides) == {"myBot": Side.SELL, "other": Side.BUY}
    assert len(plan.orders) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"markets": (support.market_row(Health.OFFLINE, "no network"),)}, "OFFLINE"),
        ({"markets": ()}, "not in the settings"),
        ({"robots": (), "orders": ()}, "nothing to close"),
        (
            {"markets": (replace(support.market_row(), read_only=True),)},
            "another terminal",
        ),
    ],
)
def test_flatten_says_why_it_cannot_be_done_now(changes: dict[str, object], words: str) -> None:
    assert words in plan_flatten(scene(**changes), MARKET, SYMBOL).refusal


def test_flatten_warns_of_a_book_that_does_not_hold_the_position() -> None:
    robots = (robot_row("myBot", position=12_500),)
    text = plan_flatten(scene(robots=robots), MARKET, SYMBOL, "myBot").text()
    assert "do not hold all of it within 1 % of the best price" in text
    assert "500 contracts are less than a lot and stay" in text


# ---- cancel all and no new entries ------------------------------------------------------------


def test_cancelling_lists_the_orders_and_says_which_are_not_ours() -> None:
    plan = plan_cancel(scene(trading=True), Scope(MARKET))
    assert plan.title == "Cancel 3 orders"
    assert len(plan.lines) == 4
    assert "1 order came from outside this program" in plan.warnings
    assert any("bots may place new orders at once" in line for line in plan.warnings)
    assert plan_cancel(scene(), Scope(MARKET, own=True)).title == "Cancel 2 orders"
    assert plan_cancel(scene(), Scope(MARKET, emi="nobody")).refusal == "there is no such order"


def test_stopping_entries_names_bots_and_the_orders_that_can_still_enter() -> None:
    plan = plan_exits_only(scene(trading=True))
    assert plan.lines[0].endswith(": myBot")
    # myBot's sell reduces; the buys of `other` (short 2000, 3000 resting) and of RESERVED enter
    assert len(plan.warnings) == 2
    assert plan.refusal == ""
    assert plan_exits_only(scene(trading=True, entries=False)).refusal == "it is so already"
