"""The one place for what is wrong now: a line that never moves anything, a sheet with all of it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from common.engine.snapshot import Level, Problem, Snapshot
from display.cells import Tone
from display.formats import time_text
from display.panels import one_line
from display.paper import Paper
from display.theme import Theme

NOTHING_WRONG = "\u2713 nothing is wrong"
OWN_FOR = timedelta(seconds=60)  # how long an error of the window itself is a present problem
_TONES = {Level.WARNING: Tone.WARN, Level.ERROR: Tone.BAD, Level.INFO: Tone.TEXT}


class ProblemLine(tk.Frame):
    """The worst problem in one line, with how many there are. A click shows all of them."""

    def __init__(self, parent: tk.Misc, theme: Theme, on_click: Callable[[], None]) -> None:
        super().__init__(parent, name="problems")
        self._theme = theme
        self.problems: Sequence[Problem] = ()
        self.label = tk.Label(self, name="line", font=theme.mono, anchor="w", padx=6, pady=1)
        self.label.configure(cursor="hand2")
        self.label.pack(fill="x", expand=True)
        self.label.bind("<ButtonRelease-1>", lambda _event: on_click())
        self.restyle()

    def show(self, problems: Sequence[Problem]) -> None:
        """Show the problems of now; nothing is touched when they are as before."""
        if problems != self.problems:
            self.problems = problems
            self.restyle()

    def restyle(self) -> None:
        """Write the line in the colours of the theme as they are now."""
        palette, theme = self._theme.palette, self._theme
        tone = _TONES[self.problems[0].level] if self.problems else Tone.DIM
        text = line_of(self.problems)
        self.configure(background=palette.panel)
        self.label.configure(text=text, foreground=theme.colour(tone), background=palette.panel)


def line_of(problems: Sequence[Problem]) -> str:
    """Return the worst problem in one line, with what is done about it and what to do."""
    if not problems:
        return NOTHING_WRONG
    worst, count = problems[0], len(problems)
    number = f"{count} PROBLEM{'S' if count > 1 else ''}"
    cause = one_line(worst.cause)
    return (
        f"\u2715 {number} (F2)  {_clock(worst.since)}  {cause}  "
        f"\u2192 you: {worst.remedy}  \u2192 the program {worst.doing}"
    )


def own_problem(text: str, at: datetime) -> Problem:
    """Return the problem of an error inside the window."""
    return Problem(
        f"window {text}",
        Level.ERROR,
        f"the window met an error: {text}",
        at,
        "goes on; trading does not depend on the window",
        "F3 builds the lists anew; the log has the details",
    )


def _clock(at: datetime) -> str:
    return time_text(at)[11:]


class ProblemSheet(tk.Toplevel):
    """Every problem of now, in full; follows what happens and never stands in the way."""

    def __init__(self, root: tk.Misc, theme: Theme) -> None:
        super().__init__(root, name="sheet_of_problems")
        self.withdraw()
        self.title("What is wrong now")
        self._theme = theme
        self._shown: Sequence[Problem] | None = None
        self._paper = Paper(self, theme, name="paper", width=92, height=14, framed=True)
        self._paper.configure(padx=12, pady=10)  # it is all that the window has
        self._paper.pack(fill="both", expand=True)
        self.bind("<Escape>", lambda _event: self.close())
        self.protocol("WM_DELETE_WINDOW", self.close)
        self.restyle()
        self.transient(root.winfo_toplevel())
        self.geometry(f"+{root.winfo_rootx() + 60}+{root.winfo_rooty() + 70}")
        self.deiconify()
        self.focus_force()

    @property
    def text(self) -> str:
        """What is written."""
        return self._paper.text.strip()

    def close(self) -> None:
        """Take the sheet away and give the keyboard back."""
        self.destroy()
        self.master.focus_force()

    def show(self, problems: Sequence[Problem]) -> None:
        """Write the problems of now; nothing is touched when they are as before."""
        if problems == self._shown:
            return
        self._shown = problems
        paper = self._paper
        with paper.rewritten():
            if not problems:
                paper.insert("end", NOTHING_WRONG, (Tone.DIM.value,))
            for problem in problems:
                mark = "\u2715" if problem.level is Level.ERROR else "!"
                paper.insert(
                    "end", f"{mark} {one_line(problem.cause)}\n", (_TONES[problem.level].value,)
                )
                for words, text in (
                    ("since", f"{time_text(problem.since)} UTC"),
                    ("the program", problem.doing),
                    ("you", problem.remedy),
                ):
                    paper.insert("end", f"  {words:<12}", (Tone.DIM.value,))
                    paper.insert("end", f"{text}\n", ("indent",))
                paper.insert("end", "\n")

    def restyle(self) -> None:
        """Take the colours of the theme as they are now."""
        self.configure(background=self._theme.palette.line)
        self._paper.restyle()
        self._paper.tag_configure("indent", lmargin2=self._theme.mono.measure(" " * 14))


class Problems:
    """The line and the sheet; an error of the window itself counts as a problem for a while."""

    def __init__(self, root: tk.Misc, theme: Theme, line: ProblemLine) -> None:
        self.sheet: ProblemSheet | None = None  # that was opened last
        self._root = root
        self._theme = theme
        self._line = line
        self._own: dict[str, Problem] = {}  # errors of the window itself, by their text

    def note(self, text: str, at: datetime) -> None:
        """Remember an error of the window itself."""
        self._own[text] = own_problem(text, at)

    def show(self, snapshot: Snapshot) -> None:
        """Show what is wrong now."""
        if self._own:
            now = snapshot.at
            self._own = {k: p for k, p in self._own.items() if now - p.since < OWN_FOR}
        problems = (*snapshot.problems, *self._own.values())
        self._line.show(problems)
        sheet = self._open_sheet()
        if sheet is not None:
            sheet.show(problems)

    def toggle(self) -> None:
        """F2 or a click on the line: everything that is wrong now, or away with the sheet."""
        sheet = self._open_sheet()
        if sheet is not None:
            sheet.close()
            return
        self.sheet = ProblemSheet(self._root, self._theme)
        self.sheet.show(self._line.problems)

    def restyle(self) -> None:
        """Give the sheet the colours of the theme as they are now; the line is the layout's."""
        sheet = self._open_sheet()
        if sheet is not None:
            sheet.restyle()

    def _open_sheet(self) -> ProblemSheet | None:
        return self.sheet if self.sheet is not None and self.sheet.winfo_exists() else None
