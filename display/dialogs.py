"""What order windows have in common: fields with steps, one answer awaited, Escape closes."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from tkinter import ttk
from tkinter.font import Font
from typing import TypeVar

from common.domain.commands import Command
from common.engine.snapshot import Notice, Snapshot
from display.fields import FieldError
from display.own_variables import OwnText
from display.panels import one_line
from display.theme import Theme

_SLOW = 5.0  # seconds after which a missing answer is mentioned


@dataclass(frozen=True, slots=True)
class Desk:
    """What a dialog may call: the way to the engine, and how long it has taken."""

    submit: Callable[[Command], None]
    next_event: Callable[[], int]
    monotonic: Callable[[], float]


class StepField:
    """A label, an entry between - and +, and a place for what is wrong with it."""

    def __init__(
        self,
        parent: tk.Misc,
        font: Font,
        row: int,
        label: str,
        name: str,
        step: Callable[[str, int], str],
    ) -> None:
        self._step = step
        self.text = OwnText(parent)
        ttk.Label(parent, text=label).grid(row=row, column=0, sticky="w", padx=(0, 8), pady=3)
        self._less = self._button(parent, "\u2212", -1)
        self._less.grid(row=row, column=1)
        self.entry = ttk.Entry(
            parent, name=name, textvariable=self.text, width=16, justify="right", font=font
        )
        self.entry.grid(row=row, column=2, sticky="ew", padx=2)
        self._more = self._button(parent, "+", 1)
        self._more.grid(row=row, column=3)
        self._problem = ttk.Label(parent, style="Error.TLabel", width=34, wraplength=250)
        self._problem.grid(row=row, column=4, sticky="w", padx=(8, 0))
        self.entry.bind("<Up>", lambda _event: self._move(1))
        self.entry.bind("<Down>", lambda _event: self._move(-1))
        self.entry.bind("<Control-a>", lambda _event: select_all(self.entry))

    def _button(self, parent: tk.Misc, text: str, steps: int) -> ttk.Button:
        return ttk.Button(
            parent,
            text=text,
            style="Step.TButton",
            takefocus=False,
            command=lambda: self._move(steps),
        )

    def _move(self, steps: int) -> None:
        self.text.set(self._step(self.text.get(), steps))

    @property
    def problem(self) -> str:
        """What is said beside the field."""
        return str(self._problem["text"])

    def complain(self, problem: str) -> None:
        """Show what is wrong, or nothing."""
        if self._problem["text"] != problem:
            self._problem["text"] = problem

    def enable(self, enabled: bool) -> None:
        """Let the field be used or not."""
        for widget in (self.entry, self._less, self._more):
            set_enabled(widget, enabled)


Value = TypeVar("Value")


def checked(field: StepField, read: Callable[[str], Value]) -> Value | None:
    """Return what a field says; None after saying beside it what is wrong."""
    try:
        value = read(field.text.get())
    except FieldError as error:
        field.complain(str(error))
        return None
    field.complain("")
    return value


def select_all(entry: ttk.Entry) -> str:
    """Select the whole text; Tk on X would move to its beginning instead."""
    entry.selection_range(0, "end")
    entry.icursor("end")
    return "break"


def go_on(widget: tk.Misc) -> str:
    """Go to the next field, as Tab does: Return never sends an order from a field."""
    following = widget.tk_focusNext()
    if following is not None:
        following.focus_set()
    return "break"


def set_enabled(widget: ttk.Widget, enabled: bool) -> None:
    """Change a widget's state only where it differs."""
    if enabled == bool(widget.instate(["disabled"])):
        widget.state(["!disabled" if enabled else "disabled"])


class Dialog(tk.Toplevel):
    """A window that sends one command at a time and stays until its answer has come.

    A sent command disarms the buttons until the notice that repeats its event number arrives, so
    that a double click sends nothing twice.
    """

    def __init__(self, parent: tk.Misc, theme: Theme, desk: Desk, *, kind: str, title: str) -> None:
        super().__init__(parent)
        self.kind = kind
        self.withdraw()
        self.title(title)
        self.resizable(False, False)
        self._theme = theme
        self._desk = desk
        self._event: int | None = None
        self._sent_at = 0.0
        self._asked: Hashable = None  # what the last question was about
        self.body = ttk.Frame(self, name="body", padding=12)
        self.body.pack(fill="both", expand=True)
        self.message = ttk.Label(self.body, name="message", wraplength=520, style="Hint.TLabel")
        self.bind("<Escape>", lambda _event: self.close())
        self.protocol("WM_DELETE_WINDOW", self.close)
        self.restyle()

    @property
    def waiting(self) -> bool:
        """Whether the answer to a command is awaited."""
        return self._event is not None

    def open_at(self, x: int, y: int) -> None:
        """Show the window at a point of the screen, moved so that all of it can be seen."""
        self.update_idletasks()
        x = max(0, min(x, self.winfo_screenwidth() - self.winfo_reqwidth() - 8))
        y = max(0, min(y, self.winfo_screenheight() - self.winfo_reqheight() - 40))
        self.geometry(f"+{x}+{y}")
        self.transient(self.master.winfo_toplevel())
        self.deiconify()

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        palette = self._theme.palette
        self.configure(
            background=palette.panel, highlightthickness=2, highlightbackground=palette.line
        )
        self.configure(highlightcolor=palette.line)

    def close(self) -> None:
        """Take the window away; a command that was sent is not recalled."""
        focused = self.focus_get()
        had_keyboard = focused is not None and focused.winfo_toplevel() is self
        self.destroy()
        if had_keyboard:  # else the keys would go nowhere where no window manager hands them on
            self.master.focus_force()

    def dispatch(self, make: Callable[[int], Command]) -> None:
        """Hand a command with a new event number to the engine, unless one is under way."""
        if self.waiting:
            return
        self._event = self._desk.next_event()
        self._sent_at = self._desk.monotonic()
        self.say("sent, waiting for the answer\u2026")
        self.follow_state()
        self._desk.submit(make(self._event))

    def answer(self, notice: Notice) -> bool:
        """Take a notice; True when it answered this window's command."""
        if self._event is None or notice.event != self._event:
            return False
        self._event = None
        if notice.refused:
            self.say(notice.text, bad=True)
            self.follow_state()
        else:
            self.close()
        return True

    def confirmed(self, question: str | None, about: Hashable) -> bool:
        """Show a question once; True when there is none or the same is wanted again."""
        if question is None or self._asked == about:
            self._asked = None
            return True
        self._asked = about
        self.say(question, bad=True)
        return False

    def forget_question(self) -> None:
        """Ask again: a field has been changed."""
        self._asked = None

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a line below the fields."""
        style = "Error.TLabel" if bad else "Hint.TLabel"
        text = one_line(text)
        if self.message["text"] != text or str(self.message["style"]) != style:
            self.message.configure(text=text, style=style)

    def follow(self, snapshot: Snapshot) -> None:
        """Take a new snapshot: enable what may be done now."""
        if self.waiting and self._desk.monotonic() - self._sent_at > _SLOW:
            self.say("no answer yet; the orders table shows what the exchange has accepted")
        self.follow_state()

    def follow_state(self) -> None:
        """Enable or disable the widgets as the state asks."""
        raise TypeError("a dialog says what it enables")

    def first(self) -> tk.Misc:
        """Return the widget that gets the keyboard when the window opens."""
        return self

    # ---- for tests and tours ----------------------------------------------------------------

    def parts(self) -> dict[str, tk.Misc]:
        """Return what can be clicked, by name."""
        return {}

    def shown(self) -> dict[str, object]:
        """Return the texts of the window beside its title and message."""
        return {}
