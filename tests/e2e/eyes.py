"""Runs the real program with eyes for the test: `python -m tests.e2e.eyes OPTIONS OF main.py`.

Reads one JSON request per line from standard input and answers each with one JSON line on standard
output: {"describe": true} -> what the window shows; {"locate": [WHAT, KEY]} -> [x, y] on the screen
or null; {"heartbeat": true} -> the largest gap between two refreshes in seconds. Nothing else of
the program is touched: pointer and keys come from outside, through the X server.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from typing import Any

import display.app
import main
from common.command_line import parse_options


class SeeingTerminal(display.app.Terminal):
    """The window, which answers questions between two of its own turns."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._questions: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._answer_all()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._questions.put(line)

    def _answer_all(self) -> None:
        while not self._questions.empty():
            print(json.dumps(self._answer(json.loads(self._questions.get()))), flush=True)
        self.root.after(10, self._answer_all)

    def _answer(self, question: dict[str, Any]) -> object:
        if "locate" in question:
            what, key = question["locate"]
            try:
                return self.geometry_of(what, key)
            except LookupError:
                return None
        if "heartbeat" in question:
            return self.heartbeat.worst_late
        return self.describe()


if __name__ == "__main__":
    display.app.Terminal = SeeingTerminal  # type: ignore[misc] # run_window imports it from there
    sys.exit(main.run(parse_options(sys.argv[1:], main.VERSION)))
