"""What the stream of a market says goes to those whom it concerns."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from common.domain.executions import Executed, ExecutionKind
from common.domain.market import Trade
from common.engine.desk import Desk
from common.engine.dispatch import Dispatch
from common.engine.holdings import Holdings
from common.engine.items import (
    InstrumentChanged,
    MarginChanged,
    Message,
    OrderChanged,
    OrdersDoubted,
    OrdersReplaced,
    PositionChanged,
    RawText,
    StreamComplaint,
    StreamReady,
)
from common.engine.notices import NoticeBoard
from common.engine.offsets import Offsets
from common.engine.ports import Clock, Gateway, Ledger
from common.engine.retry import Garbled
from common.engine.state import MarketState
from common.engine.verifier import Verifier
from common.errors import ProtocolError

log = logging.getLogger(__name__)


class Listener:
    """Reads the messages of one market's stream."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        desk: Desk,
        dispatch: Dispatch,
        holdings: Holdings,
        offsets: Offsets,
        verifier: Verifier,
        clock: Clock,
        notices: NoticeBoard,
        *,
        now: Callable[[], datetime],
        complete: Callable[[], None],
        stop_trading: Callable[[str], None],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._ledger = ledger
        self._desk = desk
        self._dispatch = dispatch
        self._holdings = holdings
        self._offsets = offsets
        self._verifier = verifier
        self._clock = clock
        self._notices = notices
        self._now = now  # by the exchange's clock
        self._complete = complete  # every image is there
        self._stop_trading = stop_trading
        self._garbled = Garbled()

    def text(self, item: RawText) -> None:
        """Take one message as it came.

        Single ones that cannot be read are lived with; ProtocolError: the stream is full of them.
        """
        try:
            for message in self._gateway.receive(item):
                self._take(message)
        except ProtocolError as error:
            log.warning("%s: %s", self._state.market, error)
            if self._garbled.too_many(self._clock.monotonic()):
                raise

    def _take(self, message: Message) -> None:
        if isinstance(message, Trade):
            self._dispatch.add_trade(message)
        elif isinstance(message, OrderChanged):
            self._desk.wire.reported(message.order)
        elif isinstance(message, Executed):
            self._book(message)
        elif isinstance(message, PositionChanged):
            self._holdings.changed(message.position)
        elif isinstance(message, MarginChanged):
            self._state.margins[message.margin.currency] = message.margin
        elif isinstance(message, InstrumentChanged):
            self._state.instruments[message.instrument.symbol] = message.instrument
            self._offsets.changed(message.instrument)
        elif isinstance(message, OrdersReplaced):
            self._desk.wire.listed(message.orders, self._now())
        elif isinstance(message, StreamReady):
            self._complete()
        elif isinstance(message, OrdersDoubted):
            self._verifier.look_soon()
        elif isinstance(message, StreamComplaint):
            self._notices.warning(f"{self._state.market}: {message.text}")

    def _book(self, executed: Executed) -> None:
        if executed.kind is not ExecutionKind.REPORT and not self._state.read_only:
            self._state.unbooked[executed.exec_id] = executed
            self._ledger.book(self._state.key, (executed,), executed.at)
        if executed.forced:
            self._stop_trading(self._holdings.forced(executed))
