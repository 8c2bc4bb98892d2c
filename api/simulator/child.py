"""The embedded exchange as a child process of the terminal.

The child is started on a free port, ends when the pipe to it closes (also when the terminal is
killed), and is started again on the same port and state when it dies. Its errors go to the log.
"""

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from common.domain.executions import Network
from common.domain.instruments import Category, Symbol
from common.errors import ConfigurationError, ExchangeUnavailable, TmaticError
from common.redaction import clean, redactor
from common.settings_types import Depth, MarketSettings, Secret

MARKET = "Bitmex"
DEMO_SYMBOLS = (
    Symbol("XBTUSD", Category.INVERSE),
    Symbol("XBTUSDT", Category.LINEAR),
    Symbol("SOLUSDT", Category.LINEAR),
    Symbol("ETHUSD", Category.QUANTO),
    Symbol("XBT_USDT", Category.SPOT),
)
DEMO_CURRENCIES = ("XBt", "USDt")
START_DEADLINE = 60.0  # seconds until the child must be ready; reading a long state takes time
END_DEADLINE = 5.0  # seconds that the child has to save its state
RESTART_DELAYS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds; the last one for ever
STEADY = 60.0  # seconds of life after which the delays begin anew
LONGEST_LINE = 65_536  # bytes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Access:
    """What the child says when it is ready."""

    rest: str
    ws: str
    key: Secret
    secret: Secret


class EmbeddedExchange:
    """Starts, watches and ends the exchange of the demo."""

    def __init__(
        self,
        state: Path,
        program: Path,
        *,
        on_moved: Callable[[MarketSettings], None] | None = None,
        command: Sequence[str] | None = None,
        start_deadline: float = START_DEADLINE,
        restart_delays: Sequence[float] = RESTART_DELAYS,
    ) -> None:
        """`state` keeps accounts and orders, `program` is the folder of the program.

        `on_moved` is called on a thread of this object when a restart found its port taken and
        chose another; `command` stands for the exchange's own in tests, and gets --port as well.
        """
        own = (sys.executable, "-m", "api.simulator", "--state", str(state))
        self._command = tuple(command or own)
        self._program = program
        self._on_moved = on_moved
        self._start_deadline = start_deadline
        self._restart_delays = restart_delays
        self._stopping = threading.Event()
        self._child: _Child | None = None
        self._watcher: threading.Thread | None = None
        self._market: MarketSettings | None = None

    @property
    def market(self) -> MarketSettings:
        """How to reach the exchange, as of its last start."""
        if self._market is None:
            raise ExchangeUnavailable("the embedded exchange has not been started")
        return self._market

    @property
    def pid(self) -> int:
        """Process id of the exchange; 0 before the start."""
        return self._child.pid if self._child is not None else 0

    def start(self) -> MarketSettings:
        """Start the exchange and wait until it is ready; once for each object.

        Raises ConfigurationError with its own words when it cannot run.
        """
        self._child = self._launch(port=0)
        self._market = _market_settings(self._child.access)
        self._watcher = threading.Thread(target=self._watch, name="exchange-child", daemon=True)
        self._watcher.start()
        return self._market

    def stop(self) -> None:
        """End the exchange, which saves its state, and all threads."""
        self._stopping.set()
        if self._child is not None:
            self._child.end()
        if self._watcher is not None:
            self._watcher.join()

    def _launch(self, port: int) -> _Child:
        child = _Child((*self._command, "--port", str(port)), self._program)
        try:
            child.wait_until_ready(self._start_deadline, self._stopping)
        except BaseException:
            child.end(at_once=True)
            raise
        return child

    def _watch(self) -> None:
        try:
            failures = 0
            while self._child is not None:
                code, lived = self._child.wait()
                if self._stopping.is_set():
                    return
                log.error("the embedded exchange ended by itself (code %s): starting again", code)
                self._child.end()
                failures = 0 if lived > STEADY else failures
                failures = self._restart(failures)
        except Exception:
            log.exception("the embedded exchange is not watched any more")

    def _restart(self, failures: int) -> int:
        """Start the child until it runs or the end is wanted; returns the attempts so far."""
        while not self._stopping.is_set():
            delay = self._restart_delays[min(failures, len(self._restart_delays) - 1)]
            if self._stopping.wait(delay):
                break
            failures += 1
            # The old port first, so that open sessions find the exchange where it was. A port
            # that somebody took in between must not end the demo.
            port = _port(self.market.http_url) if failures % 2 else 0
            try:
                self._adopt(self._launch(port))
            except TmaticError as error:
                log.error("the embedded exchange does not start: %s", error)
            else:
                break
        return failures

    def _adopt(self, child: _Child) -> None:
        self._child = child
        if self._stopping.is_set():  # stop() may have looked before the assignment
            child.end()
            return
        before, self._market = self.market, _market_settings(child.access)
        log.warning("the embedded exchange runs again at %s", self._market.http_url)
        if self._market.http_url != before.http_url and self._on_moved is not None:
            self._on_moved(self._market)


class _Child:
    """One process, with the threads that read what it says."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._born = time.monotonic()
        self._first: queue.SimpleQueue[bytes] = queue.SimpleQueue()  # its first line; b"": none
        self._complaints: deque[str] = deque(maxlen=20)
        self._access: _Access | None = None
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
    def access(self) -> _Access:
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
        end = time.monotonic() + deadline
        while True:
            try:
                line = self._first.get(timeout=0.1)
                break
            except queue.Empty:
                if stopping.is_set():
                    raise ExchangeUnavailable("the terminal is closing") from None
                if time.monotonic() > end:
                    raise ConfigurationError(
                        f"The embedded exchange was not ready within {deadline:g} seconds;"
                        " start again when this computer is less busy"
                    ) from None
        if not line:
            raise ConfigurationError(self._why_it_ended())
        self._access = _parse_access(line)

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


def _parse_access(line: bytes) -> _Access:
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
    return _Access(rest, ws, Secret(key), Secret(secret))


def _market_settings(access: _Access) -> MarketSettings:
    return MarketSettings(
        name=MARKET,
        network=Network.DEMO,
        http_url=access.rest.rstrip("/") + "/",
        ws_url=access.ws,
        api_key=access.key,
        api_secret=access.secret,
        symbols=DEMO_SYMBOLS,
        currencies=DEMO_CURRENCIES,
        depth=Depth.TEN,
    )


def _port(url: str) -> int:
    return int(url.split("//", 1)[-1].split("/", 1)[0].rpartition(":")[2])
