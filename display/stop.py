"""The stop window: no new entries, cancel orders, flatten. What it will do stands above the button.

The text follows the market until the button is pressed. Nothing happens by Return in a field; the
button with the keyboard's focus is pressed by Return or space.
"""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from common.domain.commands import SetTrading
from common.engine.previews import Plan
from common.engine.snapshot import Snapshot
from common.engine.stop_levels import Level, Target, command_of, plan_of, targets
from display.cells import Tone
from display.dialogs import Desk, Dialog, set_enabled
from display.own_variables import OwnFlag, OwnText
from display.paper import Paper
from display.theme import Theme

_LINES = 9  # of the plan in sight


class StopDialog(Dialog):
    """Level, target, plan, and the button that does it."""

    def __init__(self, parent: tk.Misc, theme: Theme, desk: Desk, snapshot: Snapshot) -> None:
        super().__init__(parent, theme, desk, kind="stop", title="Stop and close")
        self.level = OwnText(self, Level.CANCEL.name)
        self._off = OwnFlag(self, True)
        self._targets: list[Target] = []
        self._target: Target | None = None
        self._plan: Plan | None = None
        self._snapshot = snapshot
        self._make_widgets()
        self.restyle()
        self.choose(Level.CANCEL)

    def _make_widgets(self) -> None:
        body = self.body
        for number, level in enumerate(Level):
            button = ttk.Radiobutton(
                body,
                name=level.name.lower(),
                text=level.value,
                value=level.name,
                variable=self.level,
                command=self._levelled,
            )
            button.grid(row=0, column=number, sticky="w", padx=(0, 12), pady=(0, 6))
        self.target = ttk.Combobox(body, name="target", state="readonly", font=self._theme.mono)
        self.target.grid(row=1, column=0, columnspan=3, sticky="ew", pady=(0, 6))
        self.target.bind("<<ComboboxSelected>>", lambda _event: self._chosen())
        for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
            self.target.bind(wheel, lambda _event: "break")
        self._paper = Paper(body, self._theme, name="plan", width=78, height=_LINES, framed=True)
        self._paper.grid(row=2, column=0, columnspan=3, sticky="nsew")
        bar = ttk.Scrollbar(body, orient="vertical", command=self._paper.yview)
        bar.grid(row=2, column=3, sticky="ns")
        self._paper.configure(yscrollcommand=bar.set)
        self.off = ttk.Checkbutton(
            body,
            name="off",
            text="switch TRADING OFF first, so that no bot orders anew",
            variable=self._off,
        )
        self.off.grid(row=3, column=0, columnspan=3, sticky="w", pady=(6, 0))
        self._make_buttons()
        self.message.grid(row=5, column=0, columnspan=4, sticky="ew")

    def _make_buttons(self) -> None:
        buttons = ttk.Frame(self.body, name="buttons")
        buttons.grid(row=4, column=0, columnspan=4, sticky="ew", pady=(8, 6))
        self.do = ttk.Button(buttons, name="do", style="Sell.TButton", command=self.press)
        self.leave = ttk.Button(buttons, name="leave", text="Do nothing", command=self.close)
        self.do.pack(side="left", fill="both", expand=True, padx=(0, 4))
        self.leave.pack(side="left", fill="both", padx=(4, 0))
        for button in (self.do, self.leave):
            button.bind("<Return>", lambda event: event.widget.invoke())

    # ---- what it is told --------------------------------------------------------------------

    def choose(self, level: Level, target: Target | None = None) -> None:
        """Set what it is about; without a target the first that there is."""
        self.level.set(level.name)
        self._target = target or next(iter(targets(self._snapshot, level)), None)
        self._show()

    @property
    def plan_text(self) -> str:
        """What is said beforehand."""
        return self._paper.text.strip()

    def follow(self, snapshot: Snapshot) -> None:
        """Take a snapshot: what could be stopped now, and what that would do."""
        self._snapshot = snapshot
        if not self.waiting:
            self._show()
        super().follow(snapshot)

    def follow_state(self) -> None:
        """Enable what can be done now."""
        free = not self.waiting
        set_enabled(self.do, free and self._plan is not None and not self._plan.refusal)
        set_enabled(self.target, free and bool(self._targets))

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        super().restyle()
        if hasattr(self, "_paper"):
            self._paper.restyle()

    # ---- what it does -----------------------------------------------------------------------

    def press(self) -> None:
        """Send what the plan says, once."""
        plan, level = self._plan, self._level
        if self.waiting or plan is None or plan.refusal:
            return
        if level is Level.ENTRIES:
            self._desk.submit(SetTrading(on=True, entries=False))
            self.close()
            return
        if level is Level.CANCEL and self._snapshot.trading and self._off.get():
            self._desk.submit(SetTrading(on=False))
        target = self._target
        self.dispatch(lambda event: command_of(event, level, target, plan))

    # ---- inside -----------------------------------------------------------------------------

    @property
    def _level(self) -> Level:
        return Level[self.level.get()]

    def _levelled(self) -> None:
        self.choose(self._level)

    def _chosen(self) -> None:
        self._target = self._targets[self.target.current()]
        self._show()

    def _show(self) -> None:
        """Show targets and plan of the level; nothing is touched when they are as before."""
        level = self._level
        self._offer(targets(self._snapshot, level))
        plan = plan_of(self._snapshot, level, self._target)
        offered = level is Level.CANCEL and self._snapshot.trading
        (self.off.grid if offered else self.off.grid_remove)()
        if plan != self._plan or not self.plan_text:
            self._plan = plan
            self._write(plan)
        title = plan.title if plan else level.value
        if self.do["text"] != title:
            self.do["text"] = title
        self.follow_state()

    def _offer(self, offered: list[Target]) -> None:
        """Offer targets. The chosen one stays, even without anything left: a press never slips."""
        if offered != self._targets:
            self._targets = offered
            self.target.configure(values=[str(each) for each in offered])
        text = "" if self._target is None else str(self._target)
        if self.target.get() != text:
            self.target.set(text)

    def _write(self, plan: Plan | None) -> None:
        paper = self._paper
        with paper.rewritten():
            if plan is None:
                words = "choose what to stop" if self._targets else "there is nothing to stop"
                paper.insert("end", words)
                return
            for line in plan.lines:
                paper.insert("end", f"{line}\n")
            for line in plan.warnings:
                paper.insert("end", f"! {line}\n", (Tone.WARN.value,))
            if plan.refusal:
                paper.insert("end", plan.refusal, (Tone.BAD.value,))
