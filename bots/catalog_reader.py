"""Reads the catalog of strategies in a process of its own, and tells the engine."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from bots import catalog
from bots.process import output_of
from common.domain.parameters import Catalog
from common.engine.bot_items import CatalogRead
from common.engine.ports import Inbox

log = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds that importing all strategies may take


class CatalogReader:
    """One reading is under way at a time; a wish that comes meanwhile follows it."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._wanted = threading.Event()
        self._ends = False
        self._folder: Path | None = None
        self._inbox: Inbox | None = None
        self._thread = threading.Thread(target=self._run, name="catalog", daemon=True)

    def start(self, inbox: Inbox) -> None:
        """Start the thread."""
        self._inbox = inbox
        self._thread.start()

    def read(self, folder: Path) -> None:
        """Read a folder; gives a `CatalogRead`."""
        self._folder = folder
        self._wanted.set()

    def stop(self) -> None:
        """End the thread, once the reading under way is over."""
        self._ends = True
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            folder = self._folder
            if self._ends or folder is None or self._inbox is None:
                return
            found = self._look(folder)
            if not self._ends:
                self._inbox.put(CatalogRead(found))

    def _look(self, folder: Path) -> Catalog:
        try:
            return catalog.decode(output_of("bots.catalog", str(folder), self._patience))
        except TimeoutError:
            reason = f"importing the strategies took more than {self._patience:g} s"
        except OSError as error:
            reason = f"no process for reading the strategies: {error}"
        except (ValueError, TypeError, LookupError) as error:
            log.warning("the catalog of strategies cannot be read: %s", error)
            reason = "the strategies cannot be listed: importing them ended the process"
        return Catalog((), (reason,))
