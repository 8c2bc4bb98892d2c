"""The embedded exchange as a child process of the terminal.

The child is started on a free port, ends when the pipe to it closes (also when the terminal is
killed), and is started again on the same port and state when it dies. Its errors go to the log.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from api.simulator.child_process import Access, ExchangeProcess
from common.domain.executions import Network
from common.domain.instruments import Category, Symbol
from common.errors import ExchangeUnavailable, TmaticError
from common.settings_types import Depth, MarketSettings

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
RESTART_DELAYS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds; the last one for ever
STEADY = 60.0  # seconds of life after which the delays begin anew

log = logging.getLogger(__name__)


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
        self._child: ExchangeProcess | None = None
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

    def _launch(self, port: int) -> ExchangeProcess:
        child = ExchangeProcess((*self._command, "--port", str(port)), self._program)
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

    def _adopt(self, child: ExchangeProcess) -> None:
        self._child = child
        if self._stopping.is_set():  # stop() may have looked before the assignment
            child.end()
            return
        before, self._market = self.market, _market_settings(child.access)
        log.warning("the embedded exchange runs again at %s", self._market.http_url)
        if self._market.http_url != before.http_url and self._on_moved is not None:
            self._on_moved(self._market)


def _market_settings(access: Access) -> MarketSettings:
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
