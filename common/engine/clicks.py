"""What a person asks of the desk, each answered with one notice."""

from __future__ import annotations

from collections.abc import Callable

from common.domain.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Click,
    Flatten,
    PlaceOrder,
)
from common.engine.desk import Ask, Desk
from common.engine.flatten import Flattener
from common.engine.notices import NoticeBoard
from common.engine.orders import Change
from common.engine.state import MarketState
from common.errors import OrderRefused


class Clicks:
    """Carries out the order commands of one market."""

    def __init__(
        self, state: MarketState, desk: Desk, flattener: Flattener, notices: NoticeBoard
    ) -> None:
        self._state = state
        self._desk = desk
        self._flattener = flattener
        self._notices = notices

    def take(self, command: Click) -> None:
        """Carry out a user action."""
        if isinstance(command, CancelOrder):
            self.cancel(command)
        elif isinstance(command, CancelAll):
            self.cancel_all(command)
        elif isinstance(command, Flatten):
            self.flatten(command)
        elif isinstance(command, PlaceOrder):
            self.place(command)
        else:
            self.amend(command)

    def place(self, command: PlaceOrder) -> None:
        """A click asks for an order."""
        ask = Ask(
            command.symbol,
            command.emi,
            command.side,
            command.price,
            command.quantity,
            command.event,
        )
        self._answer(command.event, lambda: self._desk.place(ask))

    def amend(self, command: AmendOrder) -> None:
        """A click moves an order."""
        change = Change(command.price, command.leaves, command.event)
        self._answer(command.event, lambda: self._desk.amend(command.key, change))

    def cancel(self, command: CancelOrder) -> None:
        """A click cancels an order."""
        self._answer(command.event, lambda: self._desk.cancel(command.key, command.event))

    def cancel_all(self, command: CancelAll) -> None:
        """A click cancels every order of a scope; each is tried until it is gone."""
        scope = command.scope
        meant = [o for o in self._state.orders if scope.means(o.symbol, o.emi, o.cl_ord_id)]
        for order in meant:
            self._desk.cancel(order.key)
        what = f"{len(meant)} order{'' if len(meant) == 1 else 's'}"
        self._notices.info(f"cancelling {what} of {scope}", command.event)

    def flatten(self, command: Flatten) -> None:
        """A click closes what bots have in a symbol."""
        self._flattener.start(command)

    def _answer(self, event: int, carry_out: Callable[[], object]) -> None:
        try:
            carry_out()
        except OrderRefused as error:
            self._notices.refuse(str(error), event)
