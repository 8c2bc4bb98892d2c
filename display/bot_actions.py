"""What the list of robots and the panels open: a panel, the stop window, a back-test."""

from __future__ import annotations

from common.engine.snapshot import Level, RobotRow
from common.engine.stop_levels import Level as StopLevel
from common.engine.stop_levels import Target
from display.actions import Actions
from display.backtest import BackTestDialog, BackTests
from display.bot_delete import DeleteDialog
from display.bot_form import BotFormDialog
from display.bot_panel import BotPanel, PanelActions
from display.dialogs import Dialog
from display.presenter import robot_key


class BotActions:
    """Opens the windows about bots; all of them are held by `Actions`."""

    def __init__(self, actions: Actions, backtests: BackTests | None) -> None:
        self._actions = actions
        self._backtests = backtests

    def open_panel(self, key: str) -> None:
        """Open the panel of the bot of a row of the list, or bring the open one to the front."""
        actions, snapshot = self._actions, self._actions.snapshot
        if snapshot is None:
            return
        row = next((each for each in snapshot.robots if robot_key(each) == key), None)
        if row is None:
            actions.say(Level.WARNING, "robot no longer listed")
            return
        known = (each for each in actions.dialogs() if isinstance(each, BotPanel))
        panel = next((each for each in known if each.belongs_to(row)), None)
        if panel is not None:
            actions.bring(panel, panel.first())
            return
        choices = self._choices()
        actions.open_dialog(
            lambda root, theme, desk: BotPanel(root, theme, desk, row=row, actions=choices)
        )

    def open_backtest(self, row: RobotRow) -> None:
        """Open the window of a bot's back-tests."""
        tests, snapshot = self._backtests, self._actions.snapshot
        if tests is None or snapshot is None:
            return
        today = snapshot.at.date()
        self._alone(BackTestDialog)
        self._actions.open_dialog(
            lambda root, theme, desk: BackTestDialog(
                root, theme, desk, emi=row.emi, today=today, tests=tests
            )
        )

    def new_bot(self) -> None:
        """Open the form of a new bot."""
        self._alone(BotFormDialog)
        self._actions.open_dialog(BotFormDialog)

    def edit(self, row: RobotRow) -> None:
        """Open the form of a bot."""
        self._alone(BotFormDialog)
        self._actions.open_dialog(
            lambda root, theme, desk: BotFormDialog(root, theme, desk, known=row)
        )

    def delete(self, row: RobotRow) -> None:
        """Ask whether a bot shall be deleted."""
        self._alone(DeleteDialog)
        self._actions.open_dialog(
            lambda root, theme, desk: DeleteDialog(root, theme, desk, row=row)
        )

    def _choices(self) -> PanelActions:
        stop = self._actions.open_stop
        return PanelActions(
            order=self._actions.click_order,
            flatten=lambda row: stop(StopLevel.FLATTEN, Target(row.market, row.symbol, row.emi)),
            cancel=lambda row: stop(StopLevel.CANCEL, Target(row.market, emi=row.emi)),
            edit=self.edit,
            delete=self.delete,
            backtest=self.open_backtest if self._backtests is not None else None,
        )

    def _alone(self, kind: type[Dialog]) -> None:
        """Close windows of a kind of which there is one at a time."""
        for dialog in self._actions.dialogs():
            if isinstance(dialog, kind) and not dialog.waiting:
                dialog.close()
