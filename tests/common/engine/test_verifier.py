"""The engine compares books and exchange by itself and on demand, never while they move."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from common.domain.account import Margin, PositionFigures, WalletChange, WalletKind, WalletPage
from common.domain.commands import SetTrading, VerifyBooks
from common.domain.orders import Phase
from common.domain.verification import Difference, Rule, Verification
from common.engine import verifier
from common.engine.control_alarm import ALARM_AFTER, LOOK_AFTER, LOOK_EVERY, ControlAlarm
from common.engine.items import MarginChanged, OrderChanged
from common.engine.requests import (
    FetchMargins,
    FetchOpenOrders,
    FetchPositions,
    FetchWallet,
    SendOrder,
)
from common.engine.snapshot import Health
from common.errors import ExchangeUnavailable
from common.ledger.wallet import WalletWalk
from tests.common.engine.support import START, XBTUSDT, executed, order, robot
from tests.common.engine.world import World, place


class Doubtful(World):
    """A world whose exchange may say something else than the books."""

    def __init__(self) -> None:
        self.said: dict[type, object] = {}
        self.meanwhile: list[Any] = []  # executions that arrive while the exchange is asked
        super().__init__(robot())
        self.history = [executed(seconds=-60)]

    def _result(self, request: object) -> object:
        if isinstance(request, FetchPositions) and self.meanwhile:
            late = self.meanwhile.pop(0)
            self.history.append(late)
            self.say(late)
        return self.said.get(type(request)) or super()._result(request)

    def status(self) -> Verification:
        self.move(0.2)
        return self.engine.snapshot.markets[0].verification

    def notices(self, part: str) -> list[str]:
        return [n.text for n in self.engine._notices.all() if part in n.text]


@pytest.fixture
def world() -> Doubtful:
    world = Doubtful()
    world.start()
    return world


WRONG: Mapping[type, object] = {
    FetchPositions: (PositionFigures(XBTUSDT, "USDt", 300, 0),),
}


def test_the_books_are_verified_soon_after_the_start_and_every_few_minutes(
    world: Doubtful,
) -> None:
    assert world.status().at is None
    world.move(verifier.FIRST_AFTER)
    first = world.status()
    assert (first.differences, first.executions, first.finished) == ((), 1, 1)
    assert first.at is not None
    world.move(verifier.INTERVAL)
    later = world.status()
    assert later.finished == 2
    assert later.at is not None
    assert later.at - first.at >= timedelta(seconds=verifier.INTERVAL)
    assert world.health() is Health.LIVE


def test_a_person_can_ask_at_any_time_and_is_answered(world: Doubtful) -> None:
    world.put(VerifyBooks())
    assert world.status().finished == 1
    assert world.notices("books verified: 1 executions, 0 differences")
    world.put(VerifyBooks())
    assert world.status().finished == 2


def test_asking_while_the_market_is_down_is_answered_too() -> None:
    world = Doubtful()
    world.put(VerifyBooks())
    assert world.notices("verified once the market is up")


def test_a_difference_seen_twice_is_shown_and_blocks_trading(world: Doubtful) -> None:
    world.said.update(WRONG)
    world.put(VerifyBooks())
    assert world.status().differences == ()  # seen once: it may have been in flight
    assert world.health() is Health.LIVE
    world.move(verifier.AGAIN_AFTER)
    [difference] = world.status().differences
    assert (difference.rule, difference.symbol, difference.emi) == (
        Rule.POSITION,
        XBTUSDT,
        "bot1",
    )
    assert (difference.books, difference.exchange) == (100, 300)
    health, reason = world.market.health()
    assert health is Health.BLOCKED
    assert reason.startswith("BOOKS DIFFER: position of XBTUSDT.linear")
    assert len(world.notices("BOOKS DIFFER")) == 1
    assert len(world.gateway.sessions) == 2  # everything was read again, once
    world.move(2 * verifier.DIFFERING_INTERVAL)
    assert len(world.gateway.sessions) == 2
    assert world.health() is Health.BLOCKED
    world.put(place())
    assert world.gateway.count(SendOrder) == 0


def test_trading_goes_on_when_a_later_look_finds_nothing(
    world: Doubtful, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.said.update(WRONG)
    world.put(VerifyBooks())
    world.move(verifier.AGAIN_AFTER)
    assert world.health() is Health.BLOCKED
    world.move(3 * verifier.DIFFERING_INTERVAL)
    told = [r for r in caplog.records if "BOOKS DIFFER" in r.getMessage()]
    assert len(told) == 1  # the same news is told once
    world.said.clear()
    world.move(verifier.DIFFERING_INTERVAL)
    assert world.health() is Health.LIVE
    assert world.status().differences == ()
    assert any("books verified" in r.getMessage() for r in caplog.records)


def test_a_difference_that_passes_is_never_shown(world: Doubtful) -> None:
    world.said.update(WRONG)
    world.put(VerifyBooks())
    world.said.clear()
    world.move(verifier.AGAIN_AFTER)
    assert world.status().at is not None
    assert not world.notices("BOOKS DIFFER")


def test_a_difference_with_other_figures_is_not_the_same_one(world: Doubtful) -> None:
    world.said.update(WRONG)
    world.put(VerifyBooks())
    world.said[FetchPositions] = (PositionFigures(XBTUSDT, "USDt", 400, 0),)
    world.move(verifier.AGAIN_AFTER)
    assert world.status().differences == ()
    world.move(verifier.AGAIN_AFTER)
    assert [d.exchange for d in world.status().differences] == [400]


def test_a_look_during_which_something_was_booked_does_not_count(world: Doubtful) -> None:
    world.meanwhile = [executed("e2", seconds=1), executed("e3", seconds=2)]
    world.put(VerifyBooks())
    assert world.status().finished == 0
    world.move(6 * verifier.BUSY_AFTER)
    assert (world.status().finished, world.status().differences) == (1, ())
    assert world.status().executions == 3


def test_an_order_under_way_is_no_quiet_point(world: Doubtful) -> None:
    resting = order("9.bot1", "o9", seconds=-5)
    world.open_orders = (resting,)
    world.say(OrderChanged(resting))
    [live] = list(world.state.orders)
    live.phase = Phase.UNKNOWN
    world.put(VerifyBooks())
    assert world.status().finished == 0
    live.phase = Phase.OPEN
    world.move(verifier.BUSY_AFTER)
    assert (world.status().finished, world.status().differences) == (1, ())


def test_orders_that_only_one_side_knows_are_a_difference(world: Doubtful) -> None:
    ghost = order("5.bot1", "o5", seconds=-5)
    world.say(OrderChanged(ghost))
    world.put(VerifyBooks())
    world.move(verifier.AGAIN_AFTER)
    [difference] = world.status().differences
    assert (difference.rule, difference.emi, difference.books) == (Rule.OPEN_ORDERS, "bot1", 100)
    world.open_orders = (ghost,)
    world.move(verifier.DIFFERING_INTERVAL)
    assert world.status().differences == ()


def test_an_exchange_that_cannot_be_asked_changes_nothing_and_is_asked_again(
    world: Doubtful,
) -> None:
    world.errors[FetchOpenOrders] = ExchangeUnavailable("no answer")
    world.put(VerifyBooks())
    assert world.status().problem == "no answer"
    assert world.notices("could not be verified: no answer")
    assert world.health() is Health.LIVE
    del world.errors[FetchOpenOrders]
    world.move(verifier.FAILED_AFTER)
    assert (world.status().problem, world.status().differences) == ("", ())
    assert world.status().at is not None


def test_bots_do_not_trade_while_books_differ(world: Doubtful) -> None:
    world.put(SetTrading(on=True))
    assert world.market.may_trade("bot1")
    world.said.update(WRONG)
    world.put(VerifyBooks())
    world.move(verifier.AGAIN_AFTER)
    assert not world.market.may_trade("bot1")


def test_books_that_begin_later_warn_and_do_not_block(world: Doubtful) -> None:
    difference = Difference(Rule.RESULT, None, "XBt", "", "result", 1, 2, "a text", blocks=False)
    look = world.market.verifier
    look._tell((difference,))
    look.status = replace(look.status, differences=(difference,))
    assert look.problem == ""
    assert world.health() is Health.LIVE
    assert world.notices("begin later than the account: a text")


# ---- CONTROL ------------------------------------------------------------------------------------


def test_warnings_beyond_those_that_are_told_are_counted_as_warnings(world: Doubtful) -> None:
    found = tuple(
        Difference(Rule.POSITION, XBTUSDT, "", "", f"position {n}", 0, n, f"{n}", blocks=n > 6)
        for n in range(9)
    )
    told = len(world.engine._notices.all())
    world.market.verifier._tell(found)
    texts = [notice.text for notice in world.engine._notices.all()[told:]]
    assert texts[verifier.TOLD :] == [
        "BOOKS DIFFER: 2 more differences",
        "the books: 2 more warnings",
    ]


def test_v5_control_that_stays_off_is_an_alarm_and_a_moment_is_none() -> None:
    now = [START]
    looks: list[int] = []
    alarm = ControlAlarm(lambda: now[0], lambda: looks.append(1))
    assert not alarm.watch("XBt", 1, 2)
    now[0] += LOOK_AFTER
    assert not alarm.watch("XBt", 1, 2)
    assert len(looks) == 1  # it may be a deposit that the history does not have yet
    now[0] += ALARM_AFTER
    assert alarm.watch("XBt", 1, 2)
    assert len(looks) == 1
    now[0] += LOOK_EVERY
    assert alarm.watch("XBt", 1, 2)
    assert len(looks) == 2
    assert not alarm.watch("XBt", 2, 2)
    assert not alarm.watch("XBt", 1, 2)  # begins anew
    assert not alarm.watch("USDt", None, 2)
    assert not alarm.watch("USDt", 5, None)


def test_control_is_no_alarm_before_the_history_was_read_anew() -> None:
    now = [START]
    looks: list[int] = []
    alarm = ControlAlarm(lambda: now[0], lambda: looks.append(1))
    for step in (0.0, 3.0):
        now[0] += timedelta(seconds=step)
        alarm.watch("XBt", 1, 2)
    assert len(looks) == 1
    assert not alarm.watch("XBt", 2, 2)  # a deposit, read of; then comes another one
    second = now[0] + timedelta(seconds=5)
    while now[0] < second + LOOK_EVERY + ALARM_AFTER - LOOK_AFTER:
        now[0] += timedelta(seconds=1)
        off = now[0] >= second
        alarmed = [alarm.watch(currency, 1 if off else 2, 2) for currency in ("XBt", "USDt")]
        if len(looks) == 1:
            assert alarmed == [False, False]
    assert alarmed == [True, True]
    assert len(looks) == 2


def test_the_account_table_is_alarmed_until_the_deposit_is_known(world: Doubtful) -> None:
    deposit = WalletChange("d", "USDt", WalletKind.EXTERNAL, 500, 500, START)
    world.move(5)
    page = world._result(FetchWallet(0))
    assert isinstance(page, WalletPage)
    wallet = sum(change.amount for change in page.changes)
    world.say(MarginChanged(Margin("USDt", wallet + 500, wallet + 500, 0, 0, 0, None)))
    world.move(1)
    assert _usdt(world) == (500, False)
    world.errors[FetchMargins] = ExchangeUnavailable("no answer")  # the history stays unread
    world.move(ALARM_AFTER.total_seconds())
    assert _usdt(world) == (500, True)
    del world.errors[FetchMargins]
    told = (replace(deposit, balance=wallet + 500), *page.changes)
    world.said[FetchWallet] = WalletPage(told, len(told), full=False)
    world.put(VerifyBooks())
    world.move(0.2)
    assert _usdt(world) == (500, False)


def _usdt(world: World) -> tuple[int | None, bool]:
    row = next(row for row in world.engine.snapshot.accounts if row.currency == "USDt")
    return row.control, row.alarm


# ---- the history of the wallets -----------------------------------------------------------------


def history(count: int) -> list[WalletChange]:
    """Return rows, newest first, that add 1 each."""
    return [
        WalletChange(f"w{n}", "XBt", WalletKind.EXTERNAL, 1, n + 1, START + timedelta(seconds=n))
        for n in reversed(range(count))
    ]


def walk(wallet: WalletWalk, rows: list[WalletChange], size: int, grow: bool = False) -> int:
    """Serve pages; return how many were asked for."""
    wallet.begin()
    asked = 0
    while (request := wallet.next_request()) is not None:
        asked += 1
        page = tuple(rows[request.offset : request.offset + size])
        wallet.take(WalletPage(page, len(page), full=len(page) == size))
        if grow:
            rows.insert(0, history(len(rows) + 1)[0])
    return asked


def test_a_wallet_is_read_whole_and_then_only_what_is_new() -> None:
    wallet, rows = WalletWalk(), history(25)
    assert walk(wallet, rows, 10) == 3
    assert wallet.sums["XBt"].external == 25
    rows[:0] = history(28)[:3]
    assert walk(wallet, rows, 10) == 1
    assert (wallet.sums["XBt"].external, wallet.sums["XBt"].breaks) == (28, ())
    wallet.forget()
    assert walk(wallet, rows, 10) == 3
    assert wallet.sums["XBt"].external == 28


def test_rows_that_arrive_during_the_walk_are_counted_once() -> None:
    wallet, rows = WalletWalk(), history(25)
    walk(wallet, rows, 10, grow=True)
    first = wallet.sums["XBt"]
    assert (first.external, first.breaks) == (25, ())
    walk(wallet, rows, 10)
    assert (wallet.sums["XBt"].external, wallet.sums["XBt"].breaks) == (len(rows), ())


def test_all_rows_are_added_up_at_first_on_demand_and_then_seldom(world: Doubtful) -> None:
    world.put(VerifyBooks())
    look = world.market.verifier
    for _ in range(verifier.THOROUGH_EVERY + 1):
        look.look_soon()
        world.move(0.2)
    world.put(VerifyBooks())
    asked = [job[2] for job in world.ledger.of("read") if isinstance(job, tuple)]
    usual = [False] * verifier.THOROUGH_EVERY
    assert asked == [True, *usual, True, True]
