"""Deleting a bot: what it means, and why it cannot be done while something of it is left."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from common.domain.commands import DeleteBot
from common.engine.snapshot import RobotRow, Snapshot
from display.bot_words import delete_problems
from display.dialogs import Desk, Dialog, set_enabled
from display.theme import Theme

MEANING = (
    "Its row in the table robots, its strategy and its parameters are removed, and its process "
    "ends.\nIts trades stay in the books and on the exchange: an EMI is one bot's for ever, so "
    "do not give\nthis name to a bot of another currency."
)


class DeleteDialog(Dialog):
    """Asks once; follows orders and position while it is open."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        desk: Desk,
        *,
        row: RobotRow,
    ) -> None:
        super().__init__(parent, theme, desk, kind="bot_delete", title=f"Delete bot {row.emi}")
        self._row = row
        self._problems: tuple[str, ...] = ()
        body = self.body
        ttk.Label(
            body, text=f"Delete the bot {row.emi} of {row.symbol}?", style="Bold.TLabel"
        ).grid(row=0, column=0, sticky="w", pady=(0, 6))
        ttk.Label(body, text=MEANING).grid(row=1, column=0, sticky="w")
        self.problem = ttk.Label(body, name="problem", style="Error.TLabel", wraplength=560)
        self.problem.grid(row=2, column=0, sticky="w", pady=(6, 0))
        buttons = ttk.Frame(body, name="buttons")
        buttons.grid(row=3, column=0, sticky="ew", pady=(8, 6))
        self.do = ttk.Button(
            buttons, name="do", text="Delete the bot", style="Sell.TButton", command=self.press
        )
        self.leave = ttk.Button(buttons, name="leave", text="Do nothing", command=self.close)
        self.do.pack(side="left", fill="both", expand=True, padx=(0, 4))
        self.leave.pack(side="left", fill="both", padx=(4, 0))
        for button in (self.do, self.leave):
            button.bind("<Return>", lambda event: event.widget.invoke())
        self.message.grid(row=4, column=0, sticky="ew")

    def follow(self, snapshot: Snapshot) -> None:
        """Take a snapshot: what is left of the bot now."""
        self._problems = delete_problems(snapshot, self._row)
        text = "\n".join(self._problems)
        if self.problem["text"] != text:
            self.problem["text"] = text
        super().follow(snapshot)

    def follow_state(self) -> None:
        """Enable the button while nothing is left of the bot."""
        set_enabled(self.do, not self._problems and not self.waiting)

    def press(self) -> None:
        """Delete the bot, once."""
        if not self.waiting and not self._problems:
            row = self._row
            self.dispatch(lambda event: DeleteBot(event, row.market, row.emi))

    def first(self) -> tk.Misc:
        """Return the harmless button."""
        return self.leave

    def parts(self) -> dict[str, tk.Misc]:
        """Return what can be clicked, by name."""
        return {"do": self.do, "leave": self.leave}

    def shown(self) -> dict[str, object]:
        """Return why it cannot be done."""
        return {"problem": str(self.problem["text"])}
