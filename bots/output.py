"""The worker's way out: messages to the terminal, and what a strategy prints."""

from __future__ import annotations

import io
import os
import threading
from typing import BinaryIO, Protocol

from bots import channel
from bots.worker_lines import encode

LINES_PER_CALL = 200
LINE_LENGTH = 500  # characters


class Speaker(Protocol):
    """What carries a worker's words to the terminal."""

    def send(self, message: channel.FromWorker) -> None:
        """Say something."""


class Outlet:
    """The pipe to the terminal. Several threads of a worker may send: a strategy can have some."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()  # a message must not be torn by another thread's

    def send(self, message: channel.FromWorker) -> None:
        """Send one message; end the process when nobody listens any more."""
        left = memoryview(encode(message))
        with self._lock:
            try:
                while left:
                    left = left[self._stream.write(left) :]
            except OSError:
                os._exit(0)


class PrintedLines(io.TextIOBase):
    """Stands for stdout and stderr: complete lines go to the terminal's log, a bounded number."""

    def __init__(self, outlet: Speaker) -> None:
        self._outlet = outlet
        self._started = ""
        self._allowed = LINES_PER_CALL

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Send the lines that `text` completes."""
        *lines, self._started = (self._started + text).split("\n")
        self._started = self._started[:LINE_LENGTH]
        for line in lines:
            self._send(line)
        return len(text)

    def flush(self) -> None:
        """Send what has no line end yet."""
        if self._started:
            self._send(self._started)
            self._started = ""

    def refill(self) -> None:
        """Allow the lines of one more call."""
        self._allowed = LINES_PER_CALL

    def _send(self, line: str) -> None:
        if self._allowed == 0:
            return
        self._allowed -= 1
        rest = "" if self._allowed else " ... (further lines of this call are left out)"
        self._outlet.send(channel.Printed(line[:LINE_LENGTH] + rest))
