"""How late timers of a Tk loop are; run as a process on a display.

`python -m tests.e2e.beating bare SECONDS`: nothing else runs in the loop, for comparison.
`... window SECONDS PROFILE`: the terminal's window with its engine. `... red SECONDS PROFILE`: the
same with the engine's work on the window's thread, where it must not be.
Prints one JSON line of milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
import tkinter as tk
from collections import Counter
from contextlib import suppress
from pathlib import Path

EVERY = 5  # milliseconds between two timers


class Beat:
    """Timers that measure by how much they are late."""

    def __init__(self, root: tk.Tk) -> None:
        self._root = root
        self._due = 0.0
        self.late: list[float] = []  # milliseconds
        self._next()

    def _next(self) -> None:
        self._due = time.monotonic() + EVERY / 1000
        self._root.after(EVERY, self._beat)

    def _beat(self) -> None:
        self.late.append(1000 * (time.monotonic() - self._due))
        self._next()

    def report(self) -> dict[str, float]:
        """Return quantiles of the lateness in milliseconds."""
        ordered = sorted(self.late)

        def quantile(share: float) -> float:
            return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)

        return {
            "beats": len(ordered),
            "p50": quantile(0.5),
            "p99": quantile(0.99),
            "p99.9": quantile(0.999),
            "worst": round(ordered[-1], 2),
        }


def bare(seconds: float) -> dict[str, float]:
    """Measure a loop that has nothing to do."""
    root = tk.Tk()
    beat = Beat(root)
    root.after(int(seconds * 1000), root.destroy)
    root.mainloop()
    return beat.report()


def window(seconds: float, profile: Path, *, red: bool) -> dict[str, float]:
    """Measure the terminal from the first moment of its start."""
    import common.program as whole  # noqa: PLC0415 -- the comparison needs none of it
    from common.engine.engine import Engine  # noqa: PLC0415 -- as above
    from common.profile import find_profile  # noqa: PLC0415 -- as above
    from display.app import Terminal, make_root  # noqa: PLC0415 -- as above
    from display.running import favour_window  # noqa: PLC0415 -- as above

    root = make_root()
    favour_window()
    whole.SETTLE_SECONDS = 0.0  # the window is there while the history is being loaded
    if red:
        Engine._run = _on_the_windows_thread(root)  # type: ignore[assignment, method-assign]
    received = _count_texts()
    program = whole.Program(find_profile(whole.FOLDER, profile))
    program.open()
    terminal = Terminal(
        root,
        snapshot=program.snapshot,
        submit=program.submit,
        next_event=program.next_event,
        refresh_rate=program.refresh_rate,
    )
    terminal.start()
    root.update()  # mapped and painted once: from here on a person can use it
    beat = Beat(root)
    began = program.snapshot()
    root.after(int(seconds * 1000), terminal.close)
    terminal.run()
    shown = program.snapshot()
    held_up = _waited_for_processor() / seconds
    program.close()
    assert terminal.callback_errors == []
    booked = sum(abs(row.position) for row in shown.robots)
    return {
        **beat.report(),
        "bring-ups before": began.reloads,
        "bring-ups": shown.reloads,
        "snapshots": shown.beat,
        "received": _kept_up(received),
        "held up": held_up,
        "booked": booked,
    }


def _kept_up(received: list[float]) -> float:
    """Return the texts a second of the two seconds on end in which most came."""
    seconds = Counter(int(at) for at in received)
    return max((seconds[second] + seconds[second + 1] for second in seconds), default=0) / 2


def _waited_for_processor() -> float:
    """Return the seconds in which threads of this process wanted to run and others did; Linux."""
    waited = 0
    for task in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread that has just ended
            waited += int(task.read_text(encoding="ascii").split()[1])
    return waited / 1e9


def _count_texts() -> list[float]:
    """Return a list that grows by the moment at which each text of the stream is decoded."""
    from api.bitmex.stream_protocol import StreamProtocol  # noqa: PLC0415 -- as above

    received: list[float] = []
    decode = StreamProtocol.feed

    def feed(self: StreamProtocol, text: str | bytes, now: float) -> object:
        received.append(time.monotonic())
        return decode(self, text, now)

    StreamProtocol.feed = feed  # type: ignore[assignment, method-assign]
    return received


def _on_the_windows_thread(root: tk.Tk) -> object:
    """Return an engine's thread that hands every turn over to the window's loop."""

    def run(engine: object) -> None:
        def turn() -> None:
            engine.turn()  # type: ignore[attr-defined]
            root.after(1, turn)

        for market in engine._markets.values():  # type: ignore[attr-defined]
            market.start()
        root.after(1, turn)

    return run


if __name__ == "__main__":
    kind, duration, *more = sys.argv[1:]
    if kind == "bare":
        print(json.dumps(bare(float(duration))))
    else:
        print(json.dumps(window(float(duration), Path(more[0]), red=kind == "red")))
