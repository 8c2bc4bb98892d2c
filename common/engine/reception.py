"""Takes every item of the engine's inbox to whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping

from common.domain.commands import (
    AmendOrder,
    Click,
    DeleteBot,
    Drawn,
    PlaceOrder,
    SaveBot,
    SetBotPolicy,
    SetRobotStatus,
    SetTrading,
    Shutdown,
    VerifyBooks,
)
from common.domain.parameters import Catalog
from common.engine.bot_items import (
    BotAnswer,
    BotDeleted,
    BotFinished,
    BotNews,
    BotOrder,
    BotSaved,
    CatalogRead,
)
from common.engine.items import (
    Booked,
    IntentWritten,
    LedgerDown,
    LedgerOpened,
    LedgerRead,
    LedgerUp,
    NumbersReserved,
    RawText,
    ReloadFailed,
    Reply,
    StreamClosed,
    StreamOpened,
    WriterLost,
)
from common.engine.market import Market
from common.engine.notices import NoticeBoard
from common.engine.order_gate import Reopen
from common.engine.ports import BotRunner
from common.engine.report_desk import ReportDesk
from common.engine.trading_switch import TradingSwitch
from common.engine.ui_watch import UiWatch

REMEMBERED_EVENTS = 10_000


class Reception:
    """Knows the addressee of each kind of item."""

    def __init__(
        self,
        markets: Mapping[str, Market],
        runner: BotRunner,
        trading: TradingSwitch,
        ui: UiWatch,
        report_desk: ReportDesk,
        notices: NoticeBoard,
        *,
        reloads: int,
    ) -> None:
        self._markets = markets
        self._runner = runner
        self._trading = trading
        self._ui = ui
        self._report_desk = report_desk
        self._notices = notices
        self._events: dict[int, None] = {}  # user actions that were carried out
        self.reloads = reloads  # how often F3 was pressed
        self.catalog = Catalog()  # strategies on offer
        self.ledger_problem = ""  # why nothing can be written, in words
        self.ended = False  # a person has ended the program

    def take(self, item: object) -> None:
        """Apply an item; the engine's thread only."""
        if isinstance(item, RawText):
            self._markets[item.market].text(item)
        elif isinstance(item, Reply):
            self._markets[item.market].replied(item)
        elif isinstance(item, StreamOpened):
            self._markets[item.market].opened(item.session)
        elif isinstance(item, StreamClosed):
            self._markets[item.market].closed(item)
        elif isinstance(item, ReloadFailed):
            self.reloads += 1
            self._notices.error(item.reason)
        elif not (
            self._handle_person(item) or self._handle_bot(item) or self._report_desk.handle(item)
        ):
            self._handle_ledger(item)

    def _handle_person(self, item: object) -> bool:
        if isinstance(item, Click):
            self._click(item)
        elif isinstance(item, SetRobotStatus):
            self._markets[item.market].switch.set(item)
        elif isinstance(item, SetBotPolicy):
            self._markets[item.market].switch.set_policy(item)
        elif isinstance(item, (SaveBot, DeleteBot)):
            self._markets[item.market].keeper.wanted(item, self.catalog)
        elif isinstance(item, SetTrading):
            self._trading.set(item.on, item.entries)
        elif isinstance(item, Reopen):
            item.carry_out()
        elif isinstance(item, Drawn):
            self._ui.drawn()
        elif isinstance(item, VerifyBooks):
            for market in self._markets.values():
                market.verifier.asked()
        elif isinstance(item, Shutdown):
            self.ended = True
            for market in self._markets.values():
                market.flattener.stop()
        else:
            return False
        return True

    def _handle_bot(self, item: object) -> bool:
        if isinstance(item, BotFinished):
            market = self._market_of(item.emi)
            if market is not None:
                market.dispatch.finished(item.emi)
            return True
        if isinstance(item, CatalogRead):
            self.catalog = item.catalog
            return True
        if not isinstance(item, BotNews):
            return False
        market = self._market_of(item.emi)
        if market is None:
            if isinstance(item, BotOrder):  # a worker waits for the answer
                self._runner.answer(
                    item.emi, item.call, BotAnswer("", None, "there is no such bot")
                )
            return True
        market.bot(item)
        return True

    def _handle_ledger(self, item: object) -> None:
        if isinstance(item, LedgerOpened):
            self._markets[item.books.key.market].books_opened(item.books)
            self._yield_trading()
        elif isinstance(item, WriterLost):
            self._markets[item.key.market].writer_lost()
            self._yield_trading()
        elif isinstance(item, Booked):
            self._markets[item.key.market].booked(item)
            self._report_desk.changed()
        elif isinstance(item, LedgerRead):
            self._markets[item.key.market].verifier.books_read(item)
        elif isinstance(item, NumbersReserved):
            self._markets[item.market].desk.numbers.reserved(item.first, item.count)
        elif isinstance(item, IntentWritten):
            self._markets[item.key.market].desk.intent_written(item)
        elif isinstance(item, (BotSaved, BotDeleted)):
            self._markets[item.market].keeper.written(item)
        elif isinstance(item, LedgerDown):
            self._ledger_down(item.reason)
        elif isinstance(item, LedgerUp):
            self.ledger_problem = ""
            self._notices.info("the database works again")
        else:
            raise TypeError(f"the engine does not know {type(item).__name__}")

    def _ledger_down(self, reason: str) -> None:
        if reason != self.ledger_problem:
            self._notices.error(f"database: {reason}; trading is BLOCKED, trying again")
        self.ledger_problem = f"database: {reason}"
        for market in self._markets.values():
            market.checked = True  # the window need not wait for the database

    def _click(self, command: Click) -> None:
        """Carry out a user action once, however often it was sent."""
        if command.event in self._events:
            return
        self._events[command.event] = None
        if len(self._events) > REMEMBERED_EVENTS:
            del self._events[next(iter(self._events))]
        market = self._markets[command.market]
        if isinstance(command, (PlaceOrder, AmendOrder)) and self._trading.on:
            self._notices.refuse("manual orders need automatic trading OFF (F9)", command.event)
        else:
            market.clicks.take(command)

    def _yield_trading(self) -> None:
        """Switch trading off where another terminal trades on every account."""
        if all(market.state.read_only for market in self._markets.values()):
            self._trading.set(on=False)

    def _market_of(self, emi: str) -> Market | None:
        for market in self._markets.values():
            if emi in market.state.robots:
                return market
        return None
