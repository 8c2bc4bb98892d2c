"""Closes bots that offset each other in a contract which the exchange has settled.

The account's position is 0 then, so no execution comes for it. The settlement itself is asked for:
after every bring-up, and when an instrument ends.
"""

from __future__ import annotations

from collections.abc import Callable

from common.domain.instruments import Category, Instrument, Symbol
from common.domain.settlements import Settled, internal_transfer
from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.ports import Gateway, Ledger
from common.engine.requests import FetchSettlements
from common.engine.state import MarketState

LATE_FILLS = 30.0  # seconds after trading ended: the last fills and the settlement are there
AGAIN_AFTER = 60.0  # seconds after an answer that did not come


class Offsets:
    """Asks for settlements where bots hold what the account does not, and has them booked."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
        ready: Callable[[], bool],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._ledger = ledger
        self._notices = notices
        self._later = later
        self._ready = ready  # the market is up, and these books are ours to write
        self._number: int | None = None  # of the request under way

    def look(self) -> None:
        """Ask, if there is anything to ask for; the next bring-up looks again."""
        symbols = self._offsetting()
        if symbols and self._number is None and self._ready():
            self._number = self._gateway.request(FetchSettlements(symbols))

    def changed(self, instrument: Instrument) -> None:
        """An instrument is another than it was."""
        if not instrument.tradable:
            self._later(LATE_FILLS, self.look)

    def replied(self, reply: Reply) -> bool:
        """Take the settlements asked for; say whether the reply was one of these."""
        if reply.number != self._number:
            return False
        self._number = None
        if reply.error is not None:
            self._later(AGAIN_AFTER, self.look)
        elif isinstance(reply.result, tuple) and self._ready():
            found = [each for each in reply.result if isinstance(each, Settled)]
            self._close(found)
            self._tell_untold({each.instrument.symbol for each in found})
        return True

    def _offsetting(self) -> tuple[Symbol, ...]:
        """Return the contracts in which bots hold something and the account nothing."""
        bots = {b.symbol for b in self._state.balances.values() if b.position}
        positions = self._state.positions
        held = {symbol for symbol, position in positions.items() if position.quantity}
        return tuple(sorted(s for s in bots - held if s.category is not Category.SPOT))

    def _close(self, found: list[Settled]) -> None:
        if not found:
            return
        account = self._state.key.account
        transfers = [
            internal_transfer(each, account, self._state.scale(each.instrument.settlement_currency))
            for each in found
        ]
        self._ledger.book(self._state.key, transfers, None)

    def _tell_untold(self, told: set[Symbol]) -> None:
        for symbol in self._offsetting():
            instrument = self._state.instruments.get(symbol)
            if instrument is not None and instrument.ended and symbol not in told:
                self._notices.warning(
                    f"{symbol} has ended and its settlement price is not told: bots that offset "
                    "each other in it keep their positions in the books"
                )
