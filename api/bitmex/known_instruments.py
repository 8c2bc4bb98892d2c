"""The instruments that rows mention: looked up once each, so that their category is known."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from api.bitmex import market_rows, rows
from api.bitmex.directory import Directory
from api.bitmex.wire import Row, as_rows
from common.errors import ProtocolError

log = logging.getLogger(__name__)


class Reads(Protocol):
    """What reads from the exchange."""

    def get(self, path: str, query: Mapping[str, object] | None = None) -> object:
        """Read something."""


class KnownInstruments:
    """Fills the directory; asks the exchange for what is missing there."""

    def __init__(self, client: Reads, directory: Directory) -> None:
        self._client = client
        self._directory = directory
        self._unknown: set[str] = set()  # tickers that the exchange does not know either

    def read_active(self) -> None:
        """Remember all active instruments: other programs may trade them on this account."""
        for row in as_rows(self._client.get("/instrument/active")):
            self._remember(row)

    def look_up(self, ticker: str) -> None:
        """Ask for an instrument that is no longer, or not yet, listed as active."""
        for row in as_rows(self._client.get("/instrument", {"symbol": ticker, "count": 1})):
            if rows.ticker_of(row) == ticker:
                self._remember(row)

    def know(self, ticker: str) -> None:
        """Look an instrument up that is not known, but only once."""
        if not ticker or ticker in self._unknown or self._directory.instrument(ticker):
            return
        self.look_up(ticker)
        if self._directory.instrument(ticker) is None:
            self._unknown.add(ticker)

    def is_traded(self, row: Row) -> bool:
        """Whether an order is one of an instrument of a kind that this program trades."""
        ticker = rows.ticker_of(row)
        self.know(ticker)
        known = self._directory.instrument(ticker) is not None
        if not known:
            log.warning("an order of %s, which is not traded here, is not shown", ticker)
        return known

    def _remember(self, row: Row) -> None:
        try:
            instrument = market_rows.instrument(row, self._directory)
        except ProtocolError as error:  # one odd listing must not hide all others
            log.warning("instrument %s is passed over: %s", rows.identity(row), error)
            return
        if instrument is not None:
            self._directory.add(instrument)
