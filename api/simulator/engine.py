"""The engine: places, amends, cancels, triggers and matches orders.

Orders of one account trade with each other like any two: both are filled, the position stays, and
both fees are paid. Bots that share an account meet in the book, and none loses an order by it.
"""

from __future__ import annotations

from api.simulator.accounts import Account
from api.simulator.amendment import amended_figures
from api.simulator.clearing import Clearing
from api.simulator.contracts import Contract
from api.simulator.entry import new_order, reducible
from api.simulator.exchange import Exchange
from api.simulator.funds import check_funds
from api.simulator.instruments import Instrument
from api.simulator.linking import CANCELS, TRIGGERS, dependants, rivals
from api.simulator.matching import Match, Resting
from api.simulator.orders import POST_ONLY, Order
from api.simulator.parameters import Parameters
from api.simulator.refusals import Refused
from api.simulator.triggers import is_triggered, trailed_stop


class Engine:
    """Executes what accounts ask for."""

    def __init__(self, exchange: Exchange, clearing: Clearing) -> None:
        self._exchange = exchange
        self._clearing = clearing
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
        self._report_new(account, order)
        if order.is_dormant:
            self._changed(account, order)
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
        leaves = change.quantity - order.filled
        if order.reduces_only and not order.is_dormant:
            leaves = min(leaves, reducible(account, instrument.contract, order.side))
        if not order.is_dormant and change.ticks is not None and leaves:
            check_funds(self._exchange, account, order, leaves, change.ticks)
        keeps_place = change.ticks == order.ticks and leaves <= order.leaves
        order.quantity, order.ticks, order.stop = order.filled + leaves, change.ticks, change.stop
        order.client_id, order.peg_offset = change.client_id, change.peg_offset
        order.leaves = leaves
        order.text = f"Amended {' '.join(change.names)}\n{change.text}"
        order.transacted = exchange.time
        order.status = "PartiallyFilled" if order.filled else "New"
        account.track(order)
        exchange.feed.report(account, order, "Replaced")
        if leaves == 0:
            self._cancel(account, order, "Canceled")
        elif keeps_place and order.resting is not None:
            instrument.book.reduce(order.resting, leaves)
            self._changed(account, order)
        elif order.is_dormant:
            order.whole = order.whole and "orderQty" not in given and "leavesQty" not in given
            self._changed(account, order)
        else:
            self._leave_book(order)
            self._work(account, order)
        self._end_operation()

    def cancel(self, account: Account, order: Order, reason: str) -> None:
        """Cancel an open order, saying why."""
        self._cancel(account, order, reason)
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
            self._changed(account, order)
        if is_triggered(instrument, order):
            self._trigger(account, instrument, order)

    def _trigger(self, account: Account, instrument: Instrument, order: Order) -> None:
        order.triggered = "StopOrderTriggered"
        order.text = f"Triggered: Order stop price reached\n{order.text}"
        order.transacted = self._exchange.time
        self._exchange.feed.report(account, order, "TriggeredOrActivatedBySystem")
        self._cancel_rivals(account, order)
        self._wake(account, instrument, order)

    def _wake(self, account: Account, instrument: Instrument, order: Order) -> None:
        """Begin to trade with an order that waited for its price or for another order."""
        if order.reduces_only:
            held = account.position(instrument.contract).quantity
            if held * order.side >= 0:
                self._cancel(account, order, f"Canceled: {_reduction(order)}")
                return
            order.quantity = order.leaves = (
                abs(held) if order.whole else min(order.leaves, abs(held))
            )
        try:
            self._check_margin(account, instrument, order)
        except Refused as refusal:
            self._reject(account, order, refusal.message)
            return
        self._begin(account, order)

    def _begin(self, account: Account, order: Order) -> None:
        if "Close" in order.instructions:
            self._cancel_beyond_position(account, order)
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
                self._changed(account, order)
                self._watch(account, instrument, order)
            else:
                self._wake(account, instrument, order)

    def _end_operation(self) -> None:
        self._release()
        self._exchange.feed.flush()

    def _cancel_rivals(self, account: Account, order: Order) -> None:
        for rival in rivals(account, order):
            self._cancel(account, rival, f"Canceled: {CANCELS}")

    def _work(self, account: Account, order: Order) -> None:
        """Match an order and rest or cancel what is left of it."""
        instrument = self._exchange.instruments[order.symbol]
        book = instrument.book
        if POST_ONLY in order.instructions and book.crosses(order.side, order.limit):
            self._cancel(account, order, f"Canceled: Order had execInst of {POST_ONLY}")
            return
        if order.time_in_force == "FillOrKill" and not self._fills_at_once(instrument, order):
            self._cancel(account, order, "Canceled: Order had timeInForce of FillOrKill")
            return
        self._sweep(instrument, order.side, order.leaves, order.limit, account, order)
        if order.leaves and (order.limit is None or order.time_in_force == "ImmediateOrCancel"):
            self._cancel(account, order, "Canceled: Order had timeInForce of ImmediateOrCancel")
        elif order.leaves:
            self._rest(instrument, order)
        self._changed(account, order)
        if order.reduces_only and order.resting is not None:
            self._shrink_reductions(account, instrument.contract)

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
                self._cancel_rivals(account, traded)
                if not traded.is_open:
                    self._released += [(account, other) for other in dependants(account, traded)]
        if maker_order is not None and not maker_order.is_open:
            maker_order.resting = None
            del exchange.resting[match.resting.order_id]
        for account in (maker,) if maker is taker else (maker, taker):
            if not account.house:
                self._shrink_reductions(account, instrument.contract)

    def _rest(self, instrument: Instrument, order: Order) -> None:
        assert order.ticks is not None and order.resting is None
        order.resting = Resting(
            order.order_id, order.account, order.side, order.ticks, order.leaves, order.display
        )
        instrument.book.rest(order.resting)
        order.working = True
        self._exchange.resting[order.order_id] = order

    def _leave_book(self, order: Order) -> None:
        if order.resting is not None:
            self._exchange.instruments[order.symbol].book.remove(order.resting)
            order.resting = None
        self._exchange.resting.pop(order.order_id, None)

    def _cancel(self, account: Account, order: Order, reason: str) -> None:
        self._leave_book(order)
        order.finish(reason)
        order.transacted = self._exchange.time
        self._exchange.feed.report(account, order, "Canceled")
        self._changed(account, order)
        self._cancel_dependants(account, order)

    def _reject(self, account: Account, order: Order, reason: str) -> None:
        """End an order that cannot be executed now that its time has come."""
        order.reject(reason)
        order.transacted = self._exchange.time
        self._exchange.feed.report(account, order, "Rejected")
        self._changed(account, order)
        self._cancel_dependants(account, order)

    def _cancel_dependants(self, account: Account, order: Order) -> None:
        for other in dependants(account, order):
            self._cancel(account, other, f"Canceled: {TRIGGERS}")

    def _changed(self, account: Account, order: Order) -> None:
        account.track(order)
        self._exchange.feed.order(account, order)

    def _report_new(self, account: Account, order: Order) -> None:
        order.working = not order.is_dormant
        self._exchange.feed.report(account, order, "New")
        order.working = False

    def _shrink_reductions(self, account: Account, contract: Contract) -> None:
        """Cut or cancel resting reduce-only orders that together exceed the position.

        The least aggressive go first, the later of two at one price.
        """
        orders = account.open_orders(contract.symbol)
        reducing = [order for order in orders if order.reduces_only and order.resting is not None]
        if not reducing:
            return
        held = account.position(contract).quantity
        room = abs(held)
        for order in sorted(reducing, key=lambda order: -order.side * (order.ticks or 0)):
            if held * order.side >= 0 or not room:
                self._cancel(account, order, f"Canceled: {_reduction(order)}")
                continue
            if order.leaves > room:
                self._cut(account, order, room)
            room -= order.leaves

    def _cut(self, account: Account, order: Order, leaves: int) -> None:
        """Lower what is left of a resting order."""
        assert order.resting is not None
        order.quantity, order.leaves = order.filled + leaves, leaves
        order.transacted = self._exchange.time
        self._exchange.instruments[order.symbol].book.reduce(order.resting, leaves)
        self._exchange.feed.report(account, order, "Replaced")
        self._changed(account, order)

    def _cancel_beyond_position(self, account: Account, closing: Order) -> None:
        """Cancel other orders of a Close order's side that together exceed the position."""
        contract = self._exchange.instruments[closing.symbol].contract
        held = abs(account.position(contract).quantity)
        others = [
            order
            for order in account.open_orders(closing.symbol)
            if order.side == closing.side and order.resting is not None
        ]
        if sum(order.leaves for order in others) + closing.leaves > held:
            for order in others:
                self._cancel(account, order, "Canceled: Order had execInst of Close")

    def _check_margin(self, account: Account, instrument: Instrument, order: Order) -> None:
        ticks = order.limit
        if ticks is None:
            ticks = instrument.book.sweep_price(order.side, order.leaves)
        if ticks is not None:
            check_funds(self._exchange, account, order, order.leaves, ticks)


def _reduction(order: Order) -> str:
    name = "Close" if "Close" in order.instructions else "ReduceOnly"
    return f"Order had execInst of {name}"
