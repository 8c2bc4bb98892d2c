"""The engine: places, amends, triggers and matches orders.

Orders of one account trade with each other like any two: both are filled, the position stays, and
both fees are paid. Bots that share an account meet in the book, and none loses an order by it.
"""

from __future__ import annotations

from api.simulator.accounts import Account
from api.simulator.amendment import Amendment, amended_figures
from api.simulator.clearing import Clearing
from api.simulator.entry import new_order, reducible
from api.simulator.exchange import Exchange
from api.simulator.funds import check_funds
from api.simulator.instruments import Instrument
from api.simulator.linking import dependants
from api.simulator.matching import Match, Resting
from api.simulator.order_states import OrderStates
from api.simulator.orders import POST_ONLY, Order
from api.simulator.parameters import Parameters
from api.simulator.reductions import Reductions
from api.simulator.refusals import Refused
from api.simulator.triggers import is_triggered, trailed_stop


class Engine:
    """Executes what accounts ask for."""

    def __init__(self, exchange: Exchange, clearing: Clearing) -> None:
        self._exchange = exchange
        self._clearing = clearing
        self._states = OrderStates(exchange)
        self._reductions = Reductions(self._states)
        self._released: list[tuple[Account, Order]] = []  # whose primary order was filled

    def place(self, account: Account, given: Parameters) -> Order:
        """Place the order that a request asks for and return it in its first state."""
        order = new_order(self._exchange, account, given)
        instrument = self._exchange.instruments[order.symbol]
        if not order.is_dormant:
            self._check_margin(account, instrument, order)
        self.accept(account, order)
        return order

    def accept(self, account: Account, order: Order) -> None:
        """Take an order that passed all checks."""
        self._states.report_new(account, order)
        if order.is_dormant:
            self._states.changed(account, order)
            if not order.awaits_fill:
                self._watch(account, self._exchange.instruments[order.symbol], order)
        else:
            self._begin(account, order)
        self._end_operation()

    def amend(self, account: Account, order: Order, given: Parameters) -> None:
        """Change an order: quantity, price, stop price, text or clOrdID."""
        exchange = self._exchange
        instrument = exchange.instrument(order.symbol)
        change = amended_figures(exchange, account, instrument.contract, order, given)
        leaves = self._amended_leaves(account, instrument, order, change)
        keeps_place = change.ticks == order.ticks and leaves <= order.leaves
        self._states.restate(account, order, change, leaves)
        if leaves == 0:
            self._states.cancel(account, order, "Canceled")
        elif keeps_place and order.resting is not None:
            instrument.book.reduce(order.resting, leaves)
            self._states.changed(account, order)
        elif order.is_dormant:
            order.whole = order.whole and "orderQty" not in given and "leavesQty" not in given
            self._states.changed(account, order)
        else:
            self._states.leave_book(order)
            self._work(account, order)
        self._end_operation()

    def _amended_leaves(
        self, account: Account, instrument: Instrument, order: Order, change: Amendment
    ) -> int:
        """Return what an amended order has left to trade. Refused: there are no funds for it."""
        leaves = change.quantity - order.filled
        if order.is_dormant:
            return leaves
        if order.reduces_only:
            leaves = min(leaves, reducible(account, instrument.contract, order.side))
        if change.ticks is not None and leaves:
            check_funds(self._exchange, account, order, leaves, change.ticks)
        return leaves

    def cancel(self, account: Account, order: Order, reason: str) -> None:
        """Cancel an open order, saying why."""
        self._states.cancel(account, order, reason)
        self._exchange.feed.flush()

    def cancel_symbol(self, account: Account, symbol: str, reason: str) -> None:
        """Cancel all open orders of an account in one instrument, saying why."""
        for order in account.open_orders(symbol):
            if order.is_open:
                self.cancel(account, order, reason)

    def fill(self, order: Order, quantity: int, taker: Account) -> None:
        """Let one of the exchange's own takers trade with a resting order, whatever rests before.

        The order rests and holds at least `quantity`.
        """
        resting = order.resting
        assert resting is not None
        instrument = self._exchange.instruments[order.symbol]
        instrument.book.reduce(resting, resting.quantity - quantity)
        self._clear(instrument, -order.side, Match(resting, resting.ticks, quantity), taker, None)
        self._release()

    def quote(self, account: Account, instrument: Instrument, resting: Resting) -> bool:
        """Rest an order of the exchange's own makers, trading first with orders it crosses.

        Return whether something of it rests.
        """
        resting.quantity -= self._sweep(
            instrument, resting.side, resting.quantity, resting.ticks, account
        )
        if resting.quantity:
            instrument.book.rest(resting)
        self._release()
        return resting.quantity > 0

    def take(
        self, account: Account, instrument: Instrument, side: int, quantity: int, ticks: int
    ) -> None:
        """Trade at once for one of the exchange's own takers, at `ticks` or better."""
        self._sweep(instrument, side, quantity, ticks, account)
        self._release()

    def trigger(self, instrument: Instrument) -> None:
        """Trigger the stop orders of an instrument whose price is reached."""
        for account in self._exchange.customers():
            for order in account.open_orders(instrument.symbol):
                if order.is_open and order.waits_for_trigger and not order.awaits_fill:
                    self._watch(account, instrument, order)
        self._release()

    def _watch(self, account: Account, instrument: Instrument, order: Order) -> None:
        """Move a trailing stop, and trigger an order whose price is reached."""
        stop = trailed_stop(instrument, order)
        if stop is not None:
            order.stop = stop
            self._states.changed(account, order)
        if is_triggered(instrument, order):
            self._trigger(account, instrument, order)

    def _trigger(self, account: Account, instrument: Instrument, order: Order) -> None:
        order.triggered = "StopOrderTriggered"
        order.text = f"Triggered: Order stop price reached\n{order.text}"
        order.transacted = self._exchange.time
        self._exchange.feed.report(account, order, "TriggeredOrActivatedBySystem")
        self._states.cancel_rivals(account, order)
        self._wake(account, instrument, order)

    def _wake(self, account: Account, instrument: Instrument, order: Order) -> None:
        """Begin to trade with an order that waited for its price or for another order."""
        if order.reduces_only:
            held = account.position(instrument.contract).quantity
            if held * order.side >= 0:
                self._reductions.cancel(account, order)
                return
            order.quantity = order.leaves = (
                abs(held) if order.whole else min(order.leaves, abs(held))
            )
        try:
            self._check_margin(account, instrument, order)
        except Refused as refusal:
            self._states.reject(account, order, refusal.message)
            return
        self._begin(account, order)

    def _begin(self, account: Account, order: Order) -> None:
        if "Close" in order.instructions:
            contract = self._exchange.instruments[order.symbol].contract
            self._reductions.cancel_beyond_position(account, contract, order)
        self._work(account, order)

    def _release(self) -> None:
        """Wake the orders whose primary order was filled; not while a sweep goes on."""
        while self._released:
            account, order = self._released.pop(0)
            if not (order.is_open and order.awaits_fill):
                continue  # of two primary orders the other one was filled too
            order.awaits_fill = False
            instrument = self._exchange.instruments[order.symbol]
            if order.waits_for_trigger:
                self._states.changed(account, order)
                self._watch(account, instrument, order)
            else:
                self._wake(account, instrument, order)

    def _end_operation(self) -> None:
        self._release()
        self._exchange.feed.flush()

    def _work(self, account: Account, order: Order) -> None:
        """Match an order and rest or cancel what is left of it."""
        instrument = self._exchange.instruments[order.symbol]
        book = instrument.book
        if POST_ONLY in order.instructions and book.crosses(order.side, order.limit):
            self._states.cancel(account, order, f"Canceled: Order had execInst of {POST_ONLY}")
            return
        if order.time_in_force == "FillOrKill" and not self._fills_at_once(instrument, order):
            self._states.cancel(account, order, "Canceled: Order had timeInForce of FillOrKill")
            return
        self._sweep(instrument, order.side, order.leaves, order.limit, account, order)
        if order.leaves and (order.limit is None or order.time_in_force == "ImmediateOrCancel"):
            self._states.cancel(
                account, order, "Canceled: Order had timeInForce of ImmediateOrCancel"
            )
        elif order.leaves:
            self._states.rest(instrument, order)
        self._states.changed(account, order)
        if order.reduces_only and order.resting is not None:
            self._reductions.shrink(account, instrument.contract)

    def _fills_at_once(self, instrument: Instrument, order: Order) -> bool:
        """Tell whether the book can fill an order; reduce-only orders count as far as they may."""
        exchange, contract, wanted = self._exchange, instrument.contract, order.leaves
        held: dict[int, int] = {order.account: 0}
        for resting, most in instrument.book.waiting(order.side, order.limit):
            maker, quantity = exchange.resting.get(resting.order_id), most
            if maker is not None and resting.account != order.account:
                account = exchange.accounts[resting.account]
                position = held.setdefault(resting.account, account.position(contract).quantity)
                if maker.reduces_only:
                    quantity = min(quantity, max(0, -position * resting.side))
                held[resting.account] += resting.side * quantity
            wanted -= quantity
            if wanted <= 0:
                return True
        return False

    def _sweep(
        self,
        instrument: Instrument,
        side: int,
        quantity: int,
        limit: int | None,
        taker: Account,
        order: Order | None = None,
    ) -> int:
        """Trade with the book at `limit` or better; return how much. `order` is the taker's."""
        traded = 0
        for match in instrument.book.sweep(side, quantity, limit):
            self._clear(instrument, side, match, taker, order)
            traded += match.quantity
            if order is not None and not order.is_open:
                break  # filled, or canceled by an order it is linked to
        return traded

    def _clear(
        self, instrument: Instrument, side: int, match: Match, taker: Account, order: Order | None
    ) -> None:
        """Clear a match; `side` and `order` are the taker's."""
        exchange = self._exchange
        maker = exchange.accounts[match.resting.account]
        maker_order = exchange.resting.get(match.resting.order_id)
        self._clearing.trade(instrument, side, match, (taker, order), (maker, maker_order))
        for account, traded in ((maker, maker_order), (taker, order)):
            if traded is not None:
                self._states.cancel_rivals(account, traded)
                if not traded.is_open:
                    self._released += [(account, other) for other in dependants(account, traded)]
        if maker_order is not None and not maker_order.is_open:
            maker_order.resting = None
            del exchange.resting[match.resting.order_id]
        for account in (maker,) if maker is taker else (maker, taker):
            if not account.house:
                self._reductions.shrink(account, instrument.contract)

    def _check_margin(self, account: Account, instrument: Instrument, order: Order) -> None:
        ticks = order.limit
        if ticks is None:
            ticks = instrument.book.sweep_price(order.side, order.leaves)
        if ticks is not None:
            check_funds(self._exchange, account, order, order.leaves, ticks)
