"""What the account holds: positions, also in symbols that the settings do not name, and what
happens to them.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.domain.account import Position
from common.domain.books import SIDE_BUY, SIDE_FUNDING, Entry
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Instrument, Symbol
from common.domain.money import amount
from common.domain.robots import reserved_emi
from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.ports import Gateway
from common.engine.requests import FetchInstruments
from common.engine.state import MarketState


class Holdings:
    """Follows books and positions, and learns the instruments that are needed to show them."""

    def __init__(self, state: MarketState, gateway: Gateway, notices: NoticeBoard) -> None:
        self._state = state
        self._gateway = gateway
        self._notices = notices
        self._asked: set[Symbol] = set()  # once a session: an unknown one stays unknown
        self._numbers: set[int] = set()

    def booked(self, entries: Sequence[Entry], *, tell: bool) -> None:
        """Follow rows that are durable, and tell of them as they come."""
        self._state.take_entries(entries)
        for entry in entries if tell else ():
            if entry.quantity:  # else another currency of a trade that is told already
                self._notices.info(self._story(entry))

    def _story(self, entry: Entry) -> str:
        ticker = entry.symbol.ticker
        if entry.side == SIDE_FUNDING:
            paid = f"{amount(abs(entry.commission), entry.scale):f} {entry.currency}"
            verb = "paid" if entry.commission > 0 else "received"
            return f"Funding of {ticker}: {verb} {paid} ({entry.emi})"
        instrument = self._state.instruments.get(entry.symbol)
        quantity = instrument.shown(entry.quantity) if instrument else f"{entry.quantity} contracts"
        if entry.kind is ExecutionKind.TRANSFER:
            return f"Settled {ticker}: {quantity} of {entry.emi} closed at {entry.trade_price}"
        side = "Bought" if entry.side == SIDE_BUY else "Sold"
        return f"{side} {quantity} {ticker} at {entry.trade_price} ({entry.emi})"

    def changed(self, position: Position) -> None:
        """Take a position as it is now."""
        self._state.positions[position.symbol] = position
        if position.quantity:
            self.meet(position.symbol)

    def meet(self, symbol: Symbol) -> None:
        """Something of the account is in this symbol: learn its instrument, to show it."""
        if symbol not in self._state.instruments and symbol not in self._asked:
            self._asked.add(symbol)
            self._numbers.add(self._gateway.request(FetchInstruments((symbol,))))

    def forced(self, executed: Executed) -> str:
        """Return in words what the exchange did against the owner's will."""
        instrument = self._state.instruments.get(executed.symbol)
        size = executed.quantity
        quantity = instrument.shown(size) if instrument else f"{size} contracts of"
        return (
            f"LIQUIDATION: {executed.side} {quantity} {executed.symbol.ticker} at "
            f"{executed.trade_price}; it is booked to {reserved_emi(executed.symbol)}, "
            "compare the bots' positions"
        )

    def replied(self, reply: Reply) -> bool:
        """Take an instrument asked for; say whether the reply was one of these."""
        if reply.number not in self._numbers:
            return False
        self._numbers.discard(reply.number)
        if reply.error is None and isinstance(reply.result, tuple):
            for instrument in reply.result:
                if isinstance(instrument, Instrument):
                    self._state.instruments[instrument.symbol] = instrument
        elif isinstance(reply.request, FetchInstruments):
            self._asked.difference_update(reply.request.symbols)  # the next change asks again
        return True
