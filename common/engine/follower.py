"""A market of which another terminal writes the books: watched, and taken over when it is free."""

from __future__ import annotations

from collections.abc import Callable

from common.domain.books import Books
from common.engine.notices import NoticeBoard
from common.engine.ports import Ledger
from common.engine.state import MarketState

LOOK_SECONDS = 3.0  # between two readings of the books
READ_ONLY = (
    "read-only: another terminal trades on this account; this one takes over when that one ends"
)


class Follower:
    """Opens the books again and again while they are another terminal's."""

    def __init__(
        self,
        state: MarketState,
        ledger: Ledger,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
        running: Callable[[], bool],
        restart: Callable[[], None],
    ) -> None:
        self._state = state
        self._ledger = ledger
        self._notices = notices
        self._later = later
        self._running = running  # the market is on its way up
        self._restart = restart
        self._chain = 0  # of looks: a newer one ends those before

    def came_up(self) -> None:
        """The market is up and read-only: begin to look."""
        self._notices.warning(f"{self._state.market}: {READ_ONLY}")
        self._chain += 1
        self._look_later()

    def opened(self, books: Books) -> bool:
        """Take books that a look has brought; False: they are for the bring-up."""
        if self._running() or not self._state.read_only:
            return False
        if books.read_only:
            self._state.open_books(books)
            self._look_later()
        else:
            self._notices.info(f"{self._state.market}: the other terminal has ended; taking over")
            self._restart()
        return True

    def _look_later(self) -> None:
        chain = self._chain

        def look() -> None:
            if chain == self._chain and self._state.read_only and not self._running():
                currencies = tuple(self._state.currencies.values())
                self._ledger.open(self._state.key, self._state.symbols, currencies)

        self._later(LOOK_SECONDS, look)
