"""A person at the terminal: starts the program, looks, moves the pointer, presses keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from tests.support.places import ROOT
from tests.support.processes import reap, search_path
from tests.support.waiting import wait_until


class User:
    """One run of the program on a private display."""

    def __init__(self, display: str, profile: Path, *options: str) -> None:
        self._environment = {**os.environ, "DISPLAY": display}
        program = shutil.which("xdotool", path=search_path())
        assert program, "xdotool is not installed; Debian and Ubuntu: apt-get install xdotool"
        self._xdotool = program
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.eyes", "--profile", str(profile), *options],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    # ---- looking --------------------------------------------------------------------------

    def ask(self, **question: object) -> Any:
        """Ask the window something."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the program ended with code {self.process.poll()}"
        return json.loads(line)

    def look(self) -> dict[str, Any]:
        """Return every text of the window."""
        return cast("dict[str, Any]", self.ask(describe=True))

    def table(self, name: str) -> list[list[str]]:
        """Return the rows of a table; the first cell is the row's key."""
        return cast("list[list[str]]", self.look()["tables"][name])

    def wait_live(self) -> None:
        """Wait until the market is LIVE."""
        wait_until(lambda: "LIVE" in self.look()["state"]["health"], 30, "LIVE")

    def wait_notice(self, part: str) -> None:
        """Wait until the information panel holds a line with this text."""
        try:
            wait_until(lambda: self._noticed(part), 30, f"the notice {part!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; notices: {self.look()['notices']}") from None

    def _noticed(self, part: str) -> bool:
        return any(part in str(line) for line in self.look()["notices"])

    def wait_closed(self) -> None:
        """Wait until no dialog covers the window any more."""
        wait_until(lambda: not self.look()["dialogs"], 20, "the dialogs to close")

    def dialog(self, kind: str) -> dict[str, Any]:
        """Wait for an open window of a kind and return its texts."""
        return wait_until(lambda: self.find_dialog(kind), 20, kind)

    def find_dialog(self, kind: str) -> dict[str, Any] | None:
        """Return the texts of the newest open window of a kind, None where there is none."""
        found = [each for each in self.look()["dialogs"] if each["kind"] == kind]
        return found[-1] if found else None

    # ---- acting ---------------------------------------------------------------------------

    def where(self, what: str, key: str | None = None) -> tuple[int, int]:
        """Wait until a thing is there and return its place on the screen."""
        place = wait_until(lambda: self.ask(locate=[what, key]), 20, f"{what} {key}")
        return int(place[0]), int(place[1])

    def click(self, what: str, key: str | None = None) -> None:
        """Click a thing with the pointer."""
        x, y = self.where(what, key)
        self.xdotool("mousemove", str(x), str(y), "click", "1")

    def click_book(self, side: str) -> Decimal:
        """Click a level in the middle of a side of the book and return its price.

        The market moves while one aims: the outermost levels leave the screen within a second, the
        innermost are traded through.
        """
        rows = [row for row in self.look()["book"] if row["side"] == side]
        price = sorted(Decimal(row["price"]) for row in rows)[len(rows) // 2]
        self.click("book", f"{side} {price}")
        return price

    def right_click(self, what: str, key: str | None = None) -> None:
        """Click a thing with the right button."""
        x, y = self.where(what, key)
        self.xdotool("mousemove", str(x), str(y), "click", "3")

    def press(self, *keys: str) -> None:
        """Press keys, each a name of xdotool such as F9."""
        self.xdotool("key", *keys)

    def fill(self, what: str, key: str, text: str) -> None:
        """Replace the text of an entry."""
        self.click(what, key)
        self.xdotool("key", "ctrl+a")
        self.xdotool("type", text)

    def xdotool(self, *arguments: str) -> None:
        """Run xdotool."""
        subprocess.run([self._xdotool, *arguments], env=self._environment, check=True)

    def close(self) -> int:
        """End the program as the system would; return its exit code."""
        self.process.terminate()
        return reap(self.process, 20)

    def __enter__(self) -> User:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.close()
