"""Creating, changing and deleting bots while the market runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from common.domain.bot_form import BotForm, form_problem, new_bot_problem
from common.domain.commands import DeleteBot, SaveBot
from common.domain.parameters import Catalog
from common.domain.robots import Robot, Status
from common.engine.bot_items import BotDeleted, BotSaved
from common.engine.bot_records import BotRecords
from common.engine.dispatch import Dispatch
from common.engine.notices import NoticeBoard
from common.engine.ports import Ledger
from common.engine.robots import history_problem
from common.engine.state import ROWS, MarketState


class BotKeeper:
    """Writes what a person says of the bots of one market, and lets it take effect when durable."""

    def __init__(
        self,
        state: MarketState,
        ledger: Ledger,
        dispatch: Dispatch,
        records: BotRecords,
        notices: NoticeBoard,
        *,
        now: Callable[[], datetime],
        connect_anew: Callable[[], None],
    ) -> None:
        self._state = state
        self._ledger = ledger
        self._dispatch = dispatch
        self._records = records
        self._notices = notices
        self._now = now
        self._connect_anew = connect_anew  # the stream is to carry the trades of more symbols
        self._under_way: set[str] = set()  # EMIs, in small letters, that are being written

    def wanted(self, command: SaveBot | DeleteBot, catalog: Catalog) -> None:
        """Have a bot written or deleted, or say why not."""
        if isinstance(command, SaveBot):
            self._save(command, catalog)
        else:
            self._delete(command)

    def written(self, item: BotSaved | BotDeleted) -> None:
        """What was wanted is durable, or could not be written."""
        if isinstance(item, BotSaved):
            self._saved(item)
        else:
            self._deleted(item)

    def _save(self, command: SaveBot, catalog: Catalog) -> None:
        problem = self._problem(command, catalog)
        if problem:
            self._notices.refuse(f"{command.form.emi or 'bot'}: {problem}", command.event)
            return
        self._under_way.add(command.form.emi.casefold())
        self._ledger.save_bot(self._state.market, command.form, command.new, command.event)

    def _saved(self, item: BotSaved) -> None:
        self._under_way.discard(item.form.emi.casefold())
        if item.robot is None:
            self._notices.refuse(f"{item.form.emi}: {item.problem}", item.event)
            return
        former = self._state.robots.get(item.robot.emi)
        known = former if former is not None and former.status in ROWS else None
        robot = self._judged(item.robot, known)
        self._state.put_robot(robot)
        self._state.policies[robot.emi] = item.form.on_stop
        said = "created; it is OFF" if known is None else "changed"
        self._notices.info(f"{robot.emi}: {said}", item.event)
        self._records.say(robot.emi, said)
        if known is None:
            self._tell_past(robot)
        if known is not None and known.timeframe != robot.timeframe:
            self._dispatch.dismiss(robot.emi)  # its bars are others now
        if robot.status is not Status.ERROR or robot.emi in self._state.failed_bots:
            carried = self._dispatch.admit(robot.emi, self._now())
            if not carried:
                self._connect_anew()

    def _delete(self, command: DeleteBot) -> None:
        problem = self._guard(command.emi)
        if problem:
            self._notices.refuse(f"{command.emi} is not deleted: {problem}", command.event)
            return
        # From here on it orders nothing, whatever its strategy does before the row is gone.
        self._state.set_status(command.emi, Status.OFF)
        self._dispatch.dismiss(command.emi)
        self._under_way.add(command.emi.casefold())
        self._ledger.delete_bot(self._state.market, command.emi, command.event)

    def _deleted(self, item: BotDeleted) -> None:
        self._under_way.discard(item.emi.casefold())
        self._state.drop_robot(item.emi)
        self._records.forget(item.emi)
        self._dispatch.arrange()
        self._notices.info(f"{item.emi}: deleted; its rows in the books stay", item.event)

    def _judged(self, robot: Robot, known: Robot | None) -> Robot:
        if known is None:
            return replace(robot, status=Status.OFF)
        return replace(
            robot, status=known.status, problem=known.problem, sort=robot.sort or known.sort
        )

    def _problem(self, command: SaveBot, catalog: Catalog) -> str:
        form = command.form
        problem = self._closed(form.emi)
        if not problem and command.new:
            symbols = self._state.symbols
            problem = new_bot_problem(form, self._state.robots.values(), symbols)
            problem = problem or self._past(form)
        elif not problem:
            problem = self._change_problem(form)
        return problem or form_problem(form, catalog)

    def _closed(self, emi: str) -> str:
        """Return why nothing can be written of a bot now."""
        if self._state.read_only:
            return "another terminal trades on this account"
        if self._state.account is None:
            return f"{self._state.market} is not up yet"
        return "it is being written in this moment" if emi.casefold() in self._under_way else ""

    def _change_problem(self, form: BotForm) -> str:
        known = self._state.robots.get(form.emi)
        if known is None or known.status not in ROWS:
            return "there is no such bot in the table robots"
        if known.symbol != form.symbol:
            return f"it trades {known.symbol} for ever; create a new bot for {form.symbol}"
        return ""

    def _past(self, form: BotForm) -> str:
        """Return why the EMI's rows in the books forbid the new bot."""
        robot = Robot(
            emi=form.emi,
            symbol=form.symbol,
            market=self._state.market,
            timeframe=form.timeframe,
            capital=form.capital,
            sort=form.sort,
            margin=0,
            status=Status.OFF,
        )
        return history_problem(robot, self._state.balances.values(), self._state.instruments)

    def _tell_past(self, robot: Robot) -> None:
        """Warn that a new bot begins with rows of another symbol under its name."""
        past = sorted(
            str(balance.symbol)
            for balance in self._state.balances.values()
            if balance.emi == robot.emi and balance.volume and balance.symbol != robot.symbol
        )
        if past:
            self._notices.warning(
                f"{robot.emi}: the books have trades of this EMI in {', '.join(past)}, which stand "
                f"beside those in {robot.symbol} in reports; a new EMI would begin with none"
            )

    def _guard(self, emi: str) -> str:
        robot = self._state.robots.get(emi)
        closed = self._closed(emi)
        if closed or robot is None or robot.status not in ROWS:
            return closed or "there is no such bot in the table robots"
        orders = sum(1 for order in self._state.orders if order.emi == emi)
        if orders:
            return f"it has {orders} open {'order' if orders == 1 else 'orders'}; cancel them first"
        held = [b for b in self._state.balances.values() if b.emi == emi and b.position]
        if held:
            return f"it holds {held[0].position} contracts of {held[0].symbol}; flatten it first"
        return "executions are being booked; try again" if self._state.unbooked else ""
