"""The click that switches a bot between WORK and OFF."""

from __future__ import annotations

from common.domain.commands import SetRobotStatus
from common.domain.robots import Status
from common.engine.notices import NoticeBoard
from common.engine.ports import Ledger
from common.engine.state import MarketState


class RobotSwitch:
    """Switches the bots of one market, and keeps their state in the database."""

    def __init__(self, state: MarketState, ledger: Ledger, notices: NoticeBoard) -> None:
        self._state = state
        self._ledger = ledger
        self._notices = notices

    def set(self, command: SetRobotStatus) -> None:
        """Switch a bot, or say why it cannot be switched."""
        problem = self._problem(command.emi)
        if problem:
            self._notices.refuse(f"{command.emi} cannot be switched: {problem}", None)
            return
        status = Status.WORK if command.work else Status.OFF
        self._state.set_status(command.emi, status)
        self._ledger.save_status(self._state.market, command.emi, command.work)
        self._notices.info(f"{command.emi}: {status}")

    def _problem(self, emi: str) -> str:
        robot = self._state.robots.get(emi)
        if self._state.read_only:
            return "another terminal trades on this account"
        if robot is not None and robot.status in (Status.WORK, Status.OFF):
            return ""
        return robot.problem if robot and robot.problem else "it is not a bot of the table robots"
