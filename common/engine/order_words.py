"""How an order is called in notices, and what became of it."""

from __future__ import annotations

import logging

from common.engine.notices import NoticeBoard
from common.engine.orders import LiveOrder
from common.engine.state import MarketState

log = logging.getLogger(__name__)


class OrderWords:
    """Names orders of one market and answers clicks on them."""

    def __init__(self, state: MarketState, notices: NoticeBoard) -> None:
        self._state = state
        self._notices = notices

    def name(self, order: LiveOrder) -> str:
        """Return side, rest, ticker, price and owner of an order for a notice."""
        instrument = self._state.instruments.get(order.symbol)
        contracts = order.leaves or order.quantity
        quantity = instrument.shown(contracts) if instrument else f"{contracts} contracts"
        price = "" if order.price is None else f" at {order.price}"
        return f"{order.side} {quantity} {order.symbol.ticker}{price} ({order.emi})"

    def tell(self, order: LiveOrder, what: str, event: int | None) -> None:
        """Answer a click; what strategies do goes to the log only."""
        if event is None and not log.isEnabledFor(logging.INFO):
            return  # the name takes longer than all the rest
        if event is None:
            log.info("%s %s %s", order.key, self.name(order), what)
        else:
            self._notices.info(f"{self.name(order)} {what}", event)
