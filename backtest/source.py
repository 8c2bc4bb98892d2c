"""Candles for back-tests from the exchange of a profile."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from api.simulator.bar_instrument import Rate
from api.simulator.bars import Bars
from api.simulator.contracts import Contract
from api.simulator.demo_history import DemoHistory
from common.errors import ConfigurationError


class Candles:
    """What the exchange of a profile has of the past. `demo`: the state of the demo's exchange."""

    def __init__(self, data: Path, demo: Path | None) -> None:
        self._data = data
        self._demo = demo

    def read(self, contract: Contract, begin: datetime, end: datetime) -> tuple[Bars, Rate | None]:
        """Return minutes between two times and the funding rates. ConfigurationError."""
        if self._demo is None:
            raise ConfigurationError("Name a file of candles with --candles")
        history = DemoHistory(self._demo)
        return history.bars(contract, begin, end), history.rate(contract)
