"""One process of the embedded exchange: its start, what it says, its end."""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from common.errors import ConfigurationError, ExchangeUnavailable
from common.redaction import clean, redactor
from common.settings_types import Secret

END_DEADLINE = 5.0  # seconds that the process has to save its state
LONGEST_LINE = 65_536  # bytes
_LOOK_EVERY = 0.1  # seconds between two looks at whether the terminal closes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """What the child says when it is ready."""

    rest: str
    ws: str
    key: Secret
    secret: Secret


class ExchangeProcess:
    """One process, with the threads that read what it says."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._born = time.monotonic()
        self._first: queue.SimpleQueue[bytes] = queue.SimpleQueue()  # its first line; b"": none
        self._complaints: deque[str] = deque(maxlen=20)
        self._access: Access | None = None
        self._process = _spawn(command, folder)
        self._readers = [
            threading.Thread(target=reader, args=(pipe,), name=name, daemon=True)
            for reader, pipe, name in (
                (self._read_output, self._process.stdout, "exchange-output"),
                (self._read_errors, self._process.stderr, "exchange-errors"),
            )
        ]
        for thread in self._readers:
            thread.start()

    @property
    def access(self) -> Access:
        """How to reach it; only after `wait_until_ready`."""
        if self._access is None:
            raise ExchangeUnavailable("the embedded exchange is not ready")
        return self._access

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_until_ready(self, deadline: float, stopping: threading.Event) -> None:
        """Wait for the line that says where it listens. Raises ConfigurationError."""
        line = self._first_line(time.monotonic() + deadline, stopping)
        if line is None:
            raise ConfigurationError(
                f"The embedded exchange was not ready within {deadline:g} seconds;"
                " start again when this computer is less busy"
            )
        if not line:
            raise ConfigurationError(self._why_it_ended())
        self._access = _parse_access(line)

    def _first_line(self, end: float, stopping: threading.Event) -> bytes | None:
        """Return the first line of its output; None: there was none until `end`."""
        while True:
            try:
                return self._first.get(timeout=_LOOK_EVERY)
            except queue.Empty:
                if stopping.is_set():
                    raise ExchangeUnavailable("the terminal is closing") from None
            if time.monotonic() > end:
                return None

    def wait(self) -> tuple[int, float]:
        """Wait for its end; returns the exit code and the seconds it lived."""
        code = self._process.wait()
        return code, time.monotonic() - self._born

    def end(self, *, at_once: bool = False) -> None:
        """End the process and its readers; harmless when it has ended already."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if at_once:
            self._process.kill()
        for force in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(END_DEADLINE)
                break
            except subprocess.TimeoutExpired:
                log.warning("the embedded exchange does not end by itself")
                force()
        self._process.wait()
        for thread in self._readers:
            thread.join()

    def _why_it_ended(self) -> str:
        code = self._process.wait()
        self._readers[1].join()  # the reason may still be on its way
        said = self._complaints[-1] if self._complaints else f"it ended with code {code}"
        return f"The embedded exchange does not start: {said}"

    def _read_output(self, pipe: IO[bytes]) -> None:
        """Hand the first line over and keep the pipe empty afterwards."""
        with pipe:
            self._first.put(pipe.readline(LONGEST_LINE))
            while pipe.read(LONGEST_LINE):
                continue

    def _read_errors(self, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(LONGEST_LINE):
                text = clean(line.decode("utf-8", "replace").strip(), 500)
                if text:
                    self._complaints.append(text)
                    log.info("exchange: %s", text)


def _spawn(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start the process in a group of its own: Ctrl-C in a terminal is not meant for it."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            creationflags=flags,
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"The embedded exchange cannot be started ({reason})") from None


def _parse_access(line: bytes) -> Access:
    try:
        said = json.loads(line)
        texts = [said[name] for name in ("rest", "ws", "key", "secret")]
    except (ValueError, KeyError, TypeError, RecursionError):
        texts = []
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise ConfigurationError(
            "The embedded exchange began with something else than its addresses;"
            " its version may not fit: install the program anew"
        )
    rest, ws, key, secret = texts
    redactor.register(key)
    redactor.register(secret)
    return Access(rest, ws, Secret(key), Secret(secret))
