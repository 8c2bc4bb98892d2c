"""Lets `history.ini` follow what is durable in the books."""

from __future__ import annotations

import logging

from common.engine.items import Booked
from common.engine.ports import Inbox
from common.history_ini import HistoryFile

log = logging.getLogger(__name__)


class HistoryKeeper:
    """Stands between the ledger and the engine: history.ini follows the commits."""

    def __init__(self, file: HistoryFile, inbox: Inbox) -> None:
        self._file = file
        self._inbox = inbox
        self._problem = ""

    def put(self, item: object) -> None:
        """Pass an outcome on; runs on the ledger's thread, after the commit."""
        if isinstance(item, Booked) and item.entries and item.moves_on:
            problem = self._file.write(max(e.at for e in item.entries), item.key)
            if problem != self._problem:
                self._problem = problem
                log.warning("history.ini: %s", problem or "is written again")
        self._inbox.put(item)
