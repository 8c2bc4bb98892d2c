"""Candles for back-tests from the exchange of a profile.

Those of the demo come out of the state of its exchange, which may be running; they are computed
anew each time. Those of another exchange are downloaded once and kept in `data/`.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from api.registry import MARKETS, create_gateway
from api.simulator.bar_files import BarFile, write_bars
from api.simulator.bar_instrument import Rate
from api.simulator.bars import Bar, Bars, minute_of, moment
from api.simulator.contracts import Contract
from api.simulator.demo_history import DemoHistory
from common.domain.instruments import Category, Symbol
from common.domain.market import Candle
from common.engine.items import Reply
from common.engine.ports import Gateway
from common.engine.requests import FetchCandles
from common.errors import ConfigurationError
from common.profile import Profile
from common.settings import read_settings
from common.settings_types import MarketSettings

PATIENCE = 120.0  # seconds for a download
Source = Callable[[Contract, datetime, datetime], tuple[Bars, Rate | None]]


def source_of(profile: Profile, market: str) -> Source:
    """Return what reads the candles of a profile's exchange; the settings are read when asked."""
    if profile.demo:
        return lambda contract, begin, end: demo_bars(profile.exchange_state, contract, begin, end)

    def read(contract: Contract, begin: datetime, end: datetime) -> tuple[Bars, Rate | None]:
        settings = read_settings(profile.folder, MARKETS).markets
        chosen = next(known for known in settings if known.name == market)
        return ExchangeCandles(chosen, profile.data).read(contract, begin, end), None

    return read


def demo_bars(
    state: Path, contract: Contract, begin: datetime, end: datetime
) -> tuple[Bars, Rate | None]:
    """Return minutes of the demo's exchange and its funding rates. ConfigurationError."""
    history = DemoHistory(state)
    return history.bars(contract, begin, end), history.rate(contract)


class ExchangeCandles:
    """Downloads minutes and keeps them. `connect` makes the gateway of a market."""

    def __init__(
        self,
        settings: MarketSettings,
        data: Path,
        connect: Callable[[MarketSettings], Gateway] = create_gateway,
    ) -> None:
        self._settings = settings
        self._data = data
        self._connect = connect

    def read(self, contract: Contract, begin: datetime, end: datetime) -> Bars:
        """Return minutes between two times, from the file of an earlier download if there is one.

        ConfigurationError: the exchange cannot be asked, or its candles have a gap.
        """
        kept = self._data / (
            f"{self._settings.name}_{self._settings.network}_{contract.symbol}_1m"
            f"_{begin:%Y%m%dT%H%M}_{end:%Y%m%dT%H%M}.csv"
        )
        if kept.exists():
            return BarFile(kept, contract).read()
        bars = self._bars(contract, self._download(contract, begin), begin, end)
        if len(bars) and bars.first <= minute_of(begin) and bars.end >= minute_of(end):
            try:
                write_bars(kept, bars)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise ConfigurationError(f"{kept} cannot be written: {reason}") from error
        return bars

    def _download(self, contract: Contract, begin: datetime) -> tuple[Candle, ...]:
        answers: queue.SimpleQueue[object] = queue.SimpleQueue()
        gateway = self._connect(self._settings)
        gateway.start(answers)
        try:
            symbol = Symbol(contract.symbol, Category(contract.kind.value))
            number = gateway.request(FetchCandles(symbol, 1, begin))
            reply = answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise ConfigurationError(
                f"{self._settings.name} did not send candles within {PATIENCE:.0f} s; try again, "
                "or name a file with --candles"
            ) from None
        finally:
            gateway.stop()
        if not isinstance(reply, Reply) or reply.number != number or reply.error is not None:
            problem = reply.error if isinstance(reply, Reply) else "it sent something else"
            raise ConfigurationError(
                f"{self._settings.name} gives no candles: {problem}; name a file with --candles"
            )
        return reply.result if isinstance(reply.result, tuple) else ()

    def _bars(
        self, contract: Contract, candles: Iterable[Candle], begin: datetime, end: datetime
    ) -> Bars:
        bars, unit = Bars(1, contract.ticks_per_unit), contract.ticks_per_unit
        for candle in candles:
            if not begin <= candle.start < end:
                continue
            figures = (candle.open, candle.high, candle.low, candle.close)
            opened, high, low, close = (round(figure * unit) for figure in figures)
            start = minute_of(candle.start)
            if len(bars) and start != bars.end:
                raise ConfigurationError(
                    f"{self._settings.name} has no candle of {contract.symbol} at "
                    f"{moment(bars.end):%Y-%m-%d %H:%M} UTC; choose a range without a gap, or "
                    "name a file with --candles"
                )
            bars.append(Bar(start, opened, high, low, close, candle.volume))
        return bars
