"""Kill levels in an engine that trades on the exchange inside the process, on virtual time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from api.simulator.direct import DirectExchange
from api.simulator.time_machine import TimeMachine
from api.simulator.venue import DEMO_ACCOUNT, LiveVenue, seeded_key
from api.simulator.virtual_clock import VirtualClock
from common.domain import closing as closing_prices
from common.domain.commands import CancelAll, Command, PlaceOrder, Scope, SetTrading
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.domain.robots import Status
from common.engine import flatten
from common.engine.bot_items import BotLoaded, BotOrder
from common.engine.previews import flatten_command, plan_cancel, plan_flatten
from common.engine.requests import SendAmend, SendOrder
from common.engine.snapshot import OrderRow, RobotRow, Snapshot
from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings
from tests.api.simulator.venues import START
from tests.api.terminal.support import MARKET, Terminal, orders_by_name, position_of
from tests.common.engine.support import XBTUSDT as HERE
from tests.common.engine.support import executed, robot
from tests.common.engine.world import World

XBTUSDT = Symbol("XBTUSDT", Category.LINEAR)
SPOT = Symbol("XBT_USDT", Category.SPOT)
RESERVED = str(XBTUSDT)
KEY = seeded_key(5, DEMO_ACCOUNT)


class Desk:
    """A terminal with two bots; what happens is scheduled before it lives."""

    def __init__(self, folder: Path, seconds: float = 120.0) -> None:
        books = folder / "books.db"
        for emi in ("botA", "botB"):
            add_robot(SqliteSettings(books), MARKET, emi, "XBTUSDT", "linear", 1, 50)
        add_robot(SqliteSettings(books), MARKET, "botS", "XBT_USDT", "spot", 1, 50)
        self.clock = VirtualClock(START)
        symbols = ["XBTUSDT", "XBT_USDT"]
        self.venue = LiveVenue(seed=5, now=START, keys=[KEY], symbols=symbols)
        self.exchange = DirectExchange(self.venue, self.clock)
        gateway = self.exchange.gateway(KEY)
        self.terminal = Terminal(gateway, (XBTUSDT, SPOT), books, self.clock, refresh_rate=10)
        ledger = self.terminal.ledger
        self.terminal.engine.inbox = TimeMachine(
            self.exchange, seconds, 0.1, busy=lambda: ledger.waiting > 0
        )
        self._event = 1000
        self.seen: dict[str, Snapshot] = {}

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        self.exchange.later(seconds, lambda: (action(), None)[1])

    def put(self, *commands: Command) -> None:
        for command in commands:
            self.terminal.engine.inbox.put(command)

    def order(
        self, emi: str, side: Side, lots: int, away: str = "-20", symbol: Symbol = XBTUSDT
    ) -> None:
        """Click an order; `away` < 0 takes what the other side offers, > 0 rests behind it."""
        ticker = self.terminal.gateway.ticker(symbol)
        assert ticker.bid is not None and ticker.ask is not None
        own = ticker.bid if side is Side.BUY else ticker.ask
        price = own - side.sign * Decimal(away)
        self._event += 1
        lot = self.terminal.engine._markets[MARKET].state.instruments[symbol].lot_size
        self.put(PlaceOrder(self._event, MARKET, symbol, emi, side, price, lots * lot))

    def flatten(self, emi: str | None, symbol: Symbol = XBTUSDT) -> None:
        """Agree to what the plan of this moment says."""
        plan = plan_flatten(self.snapshot, MARKET, symbol, emi)
        assert not plan.refusal, plan.refusal
        self._event += 1
        self.put(flatten_command(self._event, plan, MARKET, symbol, emi))

    def note(self, name: str) -> None:
        self.seen[name] = self.snapshot

    def live(self) -> None:
        engine = self.terminal.engine
        engine.start()
        try:
            assert engine._thread is not None
            engine._thread.join(300)
            assert not engine._thread.is_alive()
        finally:
            engine.stop()

    # ---- what came of it

    @property
    def snapshot(self) -> Snapshot:
        return self.terminal.snapshot

    def bot(self, emi: str, moment: str = "") -> RobotRow:
        rows = self.seen[moment].robots if moment else self.snapshot.robots
        return next(row for row in rows if row.emi == emi)

    def orders(self, emi: str) -> list[OrderRow]:
        return [row for row in self.snapshot.orders if row.emi == emi]

    def held(self) -> int:
        return position_of(self.venue.interventions.truth(), DEMO_ACCOUNT, XBTUSDT)

    def booked(self, emi: str) -> int:
        """Return what the table coins says that a bot has."""
        with closing(sqlite3.connect(self.terminal.books)) as connection:
            rows = connection.execute(
                "SELECT SIDE, QTY FROM coins WHERE EMI = ? AND SIDE >= 0", (emi,)
            ).fetchall()
        return sum(quantity if side == 0 else -quantity for side, quantity in rows)

    def told(self, words: str) -> list[str]:
        return [n.text for n in self.terminal.notices.all() if words in n.text]

    def sent_once(self) -> None:
        names = orders_by_name(self.venue.interventions.truth(), DEMO_ACCOUNT)
        assert max(names.values()) == 1


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def lots(desk: Desk, number: int) -> int:
    return number * desk.terminal.engine._markets[MARKET].state.instruments[XBTUSDT].lot_size


# ---- flatten --------------------------------------------------------------------------------


def test_flatten_closes_a_bot_whose_position_another_one_offsets(desk: Desk) -> None:
    desk.at(10, lambda: desk.order("botA", Side.BUY, 5))
    desk.at(12, lambda: desk.order("botB", Side.SELL, 5))
    desk.at(14, lambda: desk.order("botA", Side.SELL, 3, away="200"))
    desk.at(20, lambda: desk.note("before"))
    desk.at(20, lambda: desk.flatten("botA"))
    desk.live()
    assert (desk.bot("botA", "before").position, desk.bot("botB", "before").position) == (
        lots(desk, 5),
        -lots(desk, 5),
    )
    assert desk.bot("botA").position == desk.booked("botA") == 0
    assert desk.bot("botB").position == desk.booked("botB") == desk.held() == -lots(desk, 5)
    assert desk.orders("botA") == []
    assert desk.bot("botA").status is Status.OFF
    assert desk.bot("botB").status is Status.WORK
    assert desk.told("botA is flat")
    desk.sent_once()


@pytest.mark.parametrize("trading", [SetTrading(on=True), SetTrading(on=True, entries=False)])
def test_flatten_works_while_trading_is_on(desk: Desk, trading: SetTrading) -> None:
    desk.at(10, lambda: desk.order("botA", Side.SELL, 4))
    desk.at(15, lambda: desk.put(trading))
    desk.at(20, lambda: desk.flatten("botA"))
    desk.live()
    assert desk.snapshot.trading
    assert desk.booked("botA") == desk.held() == 0
    assert desk.bot("botA").status is Status.OFF


def test_flatten_of_a_symbol_closes_every_bot_and_the_persons_own_part(desk: Desk) -> None:
    desk.at(10, lambda: desk.order("botA", Side.BUY, 7))
    desk.at(12, lambda: desk.order("botB", Side.SELL, 7))
    desk.at(14, lambda: desk.order(RESERVED, Side.SELL, 2))
    desk.at(16, lambda: desk.order(RESERVED, Side.BUY, 1, away="300"))
    desk.at(20, lambda: desk.note("before"))
    desk.at(20, lambda: desk.flatten(None))
    desk.live()
    assert desk.bot(RESERVED, "before").position == -lots(desk, 2)
    assert [desk.booked(emi) for emi in ("botA", "botB", RESERVED)] == [0, 0, 0]
    assert desk.held() == 0
    assert desk.snapshot.orders == ()
    desk.sent_once()


def test_flatten_closes_what_was_bought_for_money(desk: Desk) -> None:
    desk.at(10, lambda: desk.order("botS", Side.BUY, 20, symbol=SPOT))
    desk.at(20, lambda: desk.note("before"))
    desk.at(20, lambda: desk.flatten("botS", SPOT))
    desk.live()
    assert desk.bot("botS", "before").position > 0
    assert desk.bot("botS").position == desk.booked("botS") == 0


def fill_unseen(desk: Desk) -> None:
    """Fill the closing order of a bot while the stream is too slow to tell of it."""
    desk.exchange.faults.arm({"fault": "slow", "rate": 100.0, "seconds": 4.0})
    for account in desk.venue._exchange.customers():
        for order in account.open_orders():
            desk.venue.interventions.fill_order(order.order_id)


def race(desk: Desk) -> None:
    """A resting order of the bot closes its position just before a person does."""
    desk.at(10, lambda: desk.order("botA", Side.BUY, 5))
    desk.at(14, lambda: desk.order("botA", Side.SELL, 5, away="300"))
    desk.at(20, lambda: fill_unseen(desk))
    desk.at(20.05, lambda: desk.flatten("botA"))
    desk.live()


def test_flatten_never_closes_twice_what_has_just_been_filled(desk: Desk) -> None:
    race(desk)
    assert desk.booked("botA") == desk.held() == 0
    assert desk.told("botA is flat")
    truth = desk.venue.interventions.truth()
    assert len(orders_by_name(truth, DEMO_ACCOUNT)) == 2  # no third order was sent


def test_without_the_comparison_it_would_close_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trusting(self: flatten.Flattener, job: flatten._Job, now: float) -> bool:
        job.step = flatten.Step.CLOSE
        return False

    monkeypatch.setattr(flatten.Flattener, "_count", trusting)
    race(desk)
    truth = desk.venue.interventions.truth()
    assert len(orders_by_name(truth, DEMO_ACCOUNT)) > 2


def test_flatten_leaves_a_position_that_has_turned_since(desk: Desk) -> None:
    desk.at(10, lambda: desk.order("botA", Side.BUY, 5))
    desk.at(20, lambda: desk.note("before"))
    desk.at(25, lambda: desk.order("botA", Side.SELL, 8))

    def late() -> None:
        plan = plan_flatten(desk.seen["before"], MARKET, XBTUSDT, "botA")
        desk.put(flatten_command(1, plan, MARKET, XBTUSDT, "botA"))

    desk.at(30, late)
    desk.live()
    assert desk.booked("botA") == -lots(desk, 3)
    assert desk.told("not the one that you agreed to close")
    assert desk.terminal.engine._markets[MARKET].flattener.failures.keys() == {"botA"}


def test_what_is_left_of_a_closing_order_is_priced_anew(desk: Desk) -> None:
    desk.at(10, lambda: desk.order("botA", Side.BUY, 5))
    desk.at(20, lambda: desk.venue.interventions.move_market("XBT", 1.0))
    original = closing_prices.limit_price
    prices: list[Decimal] = []

    def timid(*arguments: object) -> Decimal:
        best = original(*arguments)  # type: ignore[arg-type]
        prices.append(best)
        return best if len(prices) > 1 else best * 2  # the first one rests unfilled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flatten, "limit_price", timid)
        desk.at(20, lambda: desk.flatten("botA"))
        desk.live()
    assert len(prices) == 2
    assert desk.booked("botA") == desk.held() == 0
    assert desk.orders("botA") == []
    desk.sent_once()


def test_flatten_waits_for_a_market_that_is_away_and_gives_up_in_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatten, "PATIENCE", 20.0)
    desk.at(10, lambda: desk.order("botA", Side.BUY, 5))
    desk.at(20, lambda: desk.flatten("botA"))
    desk.at(20, lambda: desk.exchange.faults.arm({"fault": "maintenance"}))
    desk.live()
    assert desk.booked("botA") == lots(desk, 5)
    assert desk.told("its position in XBTUSDT.linear is not closed")
    assert desk.bot("botA").status is Status.OFF


def test_flatten_ends_when_the_bot_is_switched_on_again(desk: Desk) -> None:
    desk.at(10, lambda: desk.order("botA", Side.BUY, 5))
    desk.at(20, lambda: desk.exchange.faults.arm({"fault": "overload", "path": "/order"}))
    market = desk.terminal.engine._markets[MARKET]

    def flatten_and_switch() -> None:
        desk.flatten("botA")
        desk.exchange.later(0.1, lambda: market.state.set_status("botA", Status.WORK))

    desk.at(20, flatten_and_switch)
    desk.live()
    assert desk.told("it was switched on again")
    assert desk.orders("botA") == []


# ---- cancel all -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (Scope(MARKET), []),
        (Scope(MARKET, symbol=SPOT), ["botA", "botA", "botB", RESERVED]),
        (Scope(MARKET, emi="botA"), ["botB", "botS", RESERVED]),
        (Scope(MARKET, own=True), [RESERVED]),
    ],
)
def test_cancel_all_takes_the_orders_of_its_scope_and_no_other(
    desk: Desk, scope: Scope, left: list[str]
) -> None:
    desk.at(10, lambda: desk.order("botA", Side.BUY, 1, away="300"))
    desk.at(10, lambda: desk.order("botA", Side.SELL, 1, away="300"))
    desk.at(10, lambda: desk.order("botB", Side.SELL, 1, away="300"))
    desk.at(10, lambda: desk.order("botS", Side.BUY, 1, away="300", symbol=SPOT))
    desk.at(11, lambda: foreign(desk))
    desk.at(20, lambda: desk.note("before"))
    desk.at(20, lambda: desk.put(CancelAll(1, scope)))
    desk.live()
    before = desk.seen["before"]
    assert sorted(row.emi for row in before.orders) == sorted(
        ["botA", "botA", "botB", "botS", RESERVED]
    )
    assert sorted(row.emi for row in desk.snapshot.orders) == sorted(left)
    plan = plan_cancel(before, scope)
    assert len(plan.orders) == 5 - len(left)


def foreign(desk: Desk) -> None:
    """Another program places an order on the account."""
    price = (desk.terminal.gateway.ticker(XBTUSDT).bid or Decimal(0)) - 500
    body = f'{{"symbol":"XBTUSDT","side":"Buy","orderQty":1000,"price":{price}}}'
    assert desk.exchange.ask(KEY, "POST", "/order", body).status == 200


def test_cancel_all_is_carried_out_once_for_a_click(desk: Desk) -> None:
    desk.at(10, lambda: desk.order("botA", Side.BUY, 1, away="300"))
    for _ in range(3):
        desk.at(20, lambda: desk.put(CancelAll(1, Scope(MARKET))))
    desk.live()
    assert len(desk.told("cancelling 1 order of Bitmex")) == 1
    assert desk.snapshot.orders == ()


# ---- no new entries -------------------------------------------------------------------------


def wish(
    side: Side, lots_: int, call: int, verb: str = "post", key: str = "", price: str = "100.5"
) -> BotOrder:
    """Return what a strategy asks for."""
    symbol, emi = (HERE, "bot1") if verb == "post" else (None, "")
    return BotOrder(
        "bot1", call, verb, "Venue", symbol, emi, side, Decimal(price), 100 * lots_, key
    )


def holding(lots_: int) -> World:
    """Return a world in exits only whose bot has bought some lots."""
    world = World(robot())
    world.history = [executed(quantity=100 * lots_)]
    world.start()
    world.put(BotLoaded("bot1"), SetTrading(on=True, entries=False))
    return world


def reasons(world: World, *wishes: BotOrder) -> list[str]:
    world.put(*wishes)
    return [answer.reason for _, _, answer in world.runner.answers]


def test_exits_only_lets_a_bot_reduce_and_nothing_else() -> None:
    world = holding(3)
    buy, too_much, sell = reasons(
        world, wish(Side.BUY, 1, 1), wish(Side.SELL, 4, 2), wish(Side.SELL, 2, 3)
    )
    assert "only orders that reduce its position" in buy
    assert "only orders that reduce its position" in too_much
    assert sell == ""
    assert world.gateway.count(SendOrder) == 1


def test_exits_only_counts_what_rests_on_the_same_side() -> None:
    world = holding(3)
    first, second = reasons(world, wish(Side.SELL, 2, 1), wish(Side.SELL, 2, 2))
    assert (first, "only orders that reduce" in second) == ("", True)


def test_exits_only_lets_an_entry_be_made_smaller_and_not_moved() -> None:
    world = World(robot()).start()
    world.put(BotLoaded("bot1"), SetTrading(on=True), wish(Side.BUY, 2, 1))
    key = world.runner.answers[-1][2].cl_ord_id
    world.put(SetTrading(on=True, entries=False))
    world.put(wish(Side.BUY, 2, 2, "put", key, "101.5"))
    assert "only orders that reduce" in world.runner.answers[-1][2].reason
    world.put(wish(Side.BUY, 1, 3, "put", key, "101.5"))
    assert "only orders that reduce" in world.runner.answers[-1][2].reason
    world.put(wish(Side.BUY, 1, 4, "put", key))
    assert world.runner.answers[-1][2].reason == ""
    assert world.gateway.count(SendAmend) == 1


def test_an_entry_that_has_not_left_yet_is_withdrawn_by_exits_only() -> None:
    world = World(robot()).start()
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    world.engine.inbox.put(wish(Side.BUY, 1, 1))
    world.engine.turn()  # its intent is on the way to the database
    world.put(SetTrading(on=True, entries=False))
    assert world.gateway.count(SendOrder) == 0
    assert ("settle", ("1.bot1", "NOT_PLACED")) in world.ledger.jobs


def test_a_move_of_an_entry_that_has_not_left_yet_is_withdrawn_by_exits_only() -> None:
    world = World(robot()).start()
    world.put(BotLoaded("bot1"), SetTrading(on=True), wish(Side.BUY, 2, 1))
    key = world.runner.answers[-1][2].cl_ord_id
    world.engine.inbox.put(wish(Side.BUY, 2, 2, "put", key, "101.5"))
    world.engine.turn()  # its intent is on the way to the database
    assert world.runner.answers[-1][2].reason == ""
    world.put(SetTrading(on=True, entries=False))
    assert world.gateway.count(SendAmend) == 0


def test_exits_only_takes_back_entries_that_wait_to_be_written_and_lets_exits_leave() -> None:
    world = World(robot())
    world.history = [executed(quantity=300)]
    world.start()
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    world.put(wish(Side.SELL, 2, 1), wish(Side.BUY, 1, 2))
    sent = [request for _, request in world.gateway.sent if isinstance(request, SendOrder)]
    permits = {request.side: request.permit for request in sent}
    assert [permit is not None and permit.stands() for permit in permits.values()] == [True, True]
    world.put(SetTrading(on=True, entries=False))
    exit_, entry = permits[Side.SELL], permits[Side.BUY]
    assert exit_ is not None and exit_.stands()
    assert entry is not None and not entry.stands()
    world.put(SetTrading(on=False))
    assert not exit_.stands()


def test_refused_entries_do_not_switch_a_bot_off() -> None:
    world = holding(1)
    reasons(world, *(wish(Side.BUY, 1, call) for call in range(20)))
    assert world.state.robots["bot1"].status is Status.WORK


def test_f9_ends_exits_only_and_the_next_start_allows_entries() -> None:
    world = holding(1)
    world.move(0.2)
    shown = world.engine.snapshot
    assert (shown.trading, shown.entries, world.state.exits_only) == (True, False, True)
    world.put(SetTrading(on=False))
    world.put(SetTrading(on=True))
    assert not world.state.exits_only
    assert reasons(world, wish(Side.BUY, 1, 1)) == [""]
