"""Variables of Tk that end with their widget, on the window's own thread.

tkinter's variables call Tk when Python's collector frees them, on whatever thread it runs just
then: the engine's would have to wait for the window, or fail. A trace, besides, would keep the
variable and all that its callback refers to for the life of the program.
"""

from __future__ import annotations

import tkinter as tk


class OwnText(tk.StringVar):
    """A text that is given up when `owner` is destroyed."""

    def __init__(self, owner: tk.Misc, value: str = "") -> None:
        super().__init__(owner, value)
        _end_with(owner, self)


class OwnFlag(tk.BooleanVar):
    """A yes or no that is given up when `owner` is destroyed."""

    def __init__(self, owner: tk.Misc, value: bool) -> None:
        super().__init__(owner, value)
        _end_with(owner, self)


def _end_with(owner: tk.Misc, variable: tk.Variable) -> None:
    def release(event: tk.Event[tk.Misc]) -> None:
        if event.widget is owner:
            for modes, name in variable.trace_info():
                variable.trace_remove(modes, name)  # type: ignore[arg-type] # as it was told
            variable.__del__()
            variable._tk = None  # type: ignore[attr-defined] # nothing is left for the collector

    owner.bind("<Destroy>", release, add="+")
