"""What a market has for its bots: put together here, so that the market knows one thing less."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from common.engine.bot_desk import BotDesk
from common.engine.bot_items import BotFailed, BotLoaded, BotOrder, BotSaid, BotWanted
from common.engine.bot_keeper import BotKeeper
from common.engine.bot_program import BotProgram
from common.engine.bot_records import BotRecords
from common.engine.desk import Desk
from common.engine.dispatch import Dispatch
from common.engine.notices import NoticeBoard
from common.engine.ports import BotRunner, Clock, Gateway, Ledger
from common.engine.robot_switch import RobotSwitch
from common.engine.state import MarketState


class BotSide:
    """Records, calls, switches, settings, code and orders of the bots of one market."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        runner: BotRunner,
        desk: Desk,
        clock: Clock,
        notices: NoticeBoard,
        *,
        history_days: float,
        may_trade: Callable[[str], bool],
        now: Callable[[], datetime],
        connect_anew: Callable[[], None],
    ) -> None:
        self.records = BotRecords(runner, now)
        self.dispatch = Dispatch(
            state,
            gateway,
            runner,
            notices,
            self.records,
            history_days=history_days,
            may_trade=may_trade,
        )
        self.switch = RobotSwitch(state, ledger, desk, self.records, notices)
        self.keeper = BotKeeper(
            state,
            ledger,
            self.dispatch,
            self.records,
            notices,
            now=now,
            connect_anew=connect_anew,
        )
        self._program = BotProgram(state, self.dispatch, self.switch, self.records, notices)
        self._orders = BotDesk(
            state,
            desk,
            runner,
            clock,
            notices,
            may_trade=may_trade,
            stop=self.switch.stop,
            records=self.records,
        )

    def take(self, item: BotOrder | BotLoaded | BotFailed | BotSaid | BotWanted) -> None:
        """A bot asks for something, or something became of its strategy."""
        if isinstance(item, BotOrder):
            self._orders.ordered(item)
        else:
            self._program.take(item)
