"""The past of the demo's exchange, read from its state while it may be running."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from api.simulator.bar_instrument import Rate
from api.simulator.bars import Bar, Bars, minute_of, moment
from api.simulator.contracts import Contract
from api.simulator.file_lock import StateError
from api.simulator.prices import MINUTE, funding_period
from api.simulator.store import StateFile
from api.simulator.venue import LiveVenue
from common.errors import ConfigurationError


class DemoHistory:
    """Candles and funding rates of an embedded exchange. ConfigurationError: it has none yet."""

    def __init__(self, state: Path) -> None:
        file = StateFile(state, reading=True)
        try:
            saved = file.load()
            if saved is None:
                raise ConfigurationError(
                    "The demo's exchange has no past yet: start the terminal once, or name a file "
                    "of candles with --candles"
                )
            self._venue = LiveVenue(seed=0, now=datetime.now(timezone.utc))
            self._venue.load(saved)
        except (StateError, ValueError) as error:
            raise ConfigurationError(str(error)) from error
        finally:
            file.close()

    def span(self) -> tuple[datetime, datetime]:
        """Return from when until when there are candles."""
        dawn, now = self._venue.candle_span
        return moment(dawn // MINUTE), moment(now // MINUTE)

    def bars(self, contract: Contract, begin: datetime, end: datetime) -> Bars:
        """Return the minutes between two times, as far as there are any."""
        first, last = self.span()
        start, stop = minute_of(max(begin, first)), minute_of(min(end, last))
        bars = Bars(1, contract.ticks_per_unit)
        candles = self._venue.candles_of(contract.symbol)
        if stop <= start:
            return bars
        for time, bar in candles.bars(start, stop - 1, 1, stop):
            figures = (bar.open, bar.high, bar.low, bar.close, bar.volume)
            bars.append(Bar(time // MINUTE - 1, *figures))
        return bars

    def rate(self, contract: Contract) -> Rate:
        """Return the funding rates that the exchange had and will have."""
        prices = self._venue.prices
        return lambda time: prices.funding_ppm(contract, funding_period(time - 1)[0])
