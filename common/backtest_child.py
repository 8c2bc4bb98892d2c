"""Back-tests for the window: one child process at a time, read by a thread of its own.

The child is the program itself with `--backtest`, in the same profile. It ends with `stop`, and by
itself when its time is played.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from common.domain.backtests import BackTestState
from common.redaction import clean

PROGRESS = "progress "  # begins a line of the child's error output: bars played, bars in all
LONGEST_LINE = 300  # characters
MOST_LINES = 400  # of a report
STOP_SECONDS = 5.0  # then the child is killed

log = logging.getLogger(__name__)


class BackTests:
    """Starts back-tests; `state` is replaced whole and may be read by any thread."""

    def __init__(self, command: Sequence[str]) -> None:
        """`command` runs the program in the profile; the options of the back-test follow."""
        self.state = BackTestState()
        self._command = tuple(command)
        self._child: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False

    @classmethod
    def of(cls, program: Path, profile: Path) -> BackTests:
        """Return those of a profile; `program` is the folder of main.py."""
        return cls([sys.executable, str(program / "main.py"), "--profile", str(profile)])

    def start(self, emi: str, begin: str, end: str) -> bool:
        """Start a back-test from `begin` to `end` (dates); False while one is running.

        Returns at once: the process is started by the thread.
        """
        if self.state.running:
            return False
        if self._thread is not None:
            self._thread.join()  # it has nothing left to do
        self._stopping = False
        self.state = BackTestState(emi, running=True)
        options = ("--backtest", emi, "--from", begin, "--to", end, "--progress")
        self._thread = threading.Thread(
            target=self._run, args=(options,), name="back-test", daemon=True
        )
        self._thread.start()
        return True

    def stop(self) -> None:
        """Ask the child to end; what it has played so far is reported."""
        self._stopping = True
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()

    def close(self) -> None:
        """End the child and the thread; waits a few seconds at most."""
        self.stop()
        if self._thread is None:
            return
        self._thread.join(STOP_SECONDS)
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()
            self._thread.join(STOP_SECONDS)

    def _run(self, options: Sequence[str]) -> None:
        try:
            self._watch(options)
        except Exception as error:  # the top of the thread: told and logged
            log.exception("the back-test failed")
            self._end(f"the back-test could not be run: {error}", failed=True)

    def _watch(self, options: Sequence[str]) -> None:
        with subprocess.Popen(
            [*self._command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as child:
            self._child = child
            if self._stopping:
                child.terminate()
            complaints: deque[str] = deque(maxlen=MOST_LINES)
            reader = threading.Thread(
                target=self._read_errors, args=(child.stderr, complaints), name="back-test-errors"
            )
            reader.start()
            lines = _lines(child.stdout)
            code = child.wait()
            reader.join()
        if lines:
            self._end("\n".join(lines), failed=False)
        else:
            reason = "\n".join(complaints) or f"it ended with code {code}"
            self._end("stopped" if self._stopping else reason, failed=True)

    def _read_errors(self, stream: IO[str] | None, complaints: deque[str]) -> None:
        for line in stream or ():
            if line.startswith(PROGRESS):
                played, _, total = line.removeprefix(PROGRESS).strip().partition(" ")
                self.state = replace(self.state, played=int(played), total=int(total))
            elif line.strip():
                complaints.append(clean(line.rstrip(), LONGEST_LINE))

    def _end(self, text: str, *, failed: bool) -> None:
        self.state = replace(self.state, running=False, text=text, failed=failed)


def _lines(stream: IO[str] | None) -> list[str]:
    """Return what a child prints, until it ends; bounded."""
    kept: deque[str] = deque(maxlen=MOST_LINES)
    kept.extend(clean(line.rstrip("\n"), LONGEST_LINE) for line in stream or ())
    return list(kept)
