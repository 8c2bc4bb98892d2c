"""What a person asks of the desk, each answered with one notice."""

from __future__ import annotations

from collections.abc import Callable

from common.domain.commands import AmendOrder, CancelOrder, PlaceOrder
from common.engine.desk import Ask, Desk
from common.engine.notices import NoticeBoard
from common.engine.orders import Change
from common.errors import OrderRefused


class Clicks:
    """Carries out the order commands of one market."""

    def __init__(self, desk: Desk, notices: NoticeBoard) -> None:
        self._desk = desk
        self._notices = notices

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

    def _answer(self, event: int, carry_out: Callable[[], object]) -> None:
        try:
            carry_out()
        except OrderRefused as error:
            self._notices.refuse(str(error), event)
