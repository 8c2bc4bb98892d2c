"""The order of things: time moves the venue, what happened is written down, then clients are told.

Knows no sockets. All methods belong to one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from api.simulator.market_time import MarketTime
from api.simulator.ports import Answer, TableEvent, Venue
from api.simulator.store import StateFile
from api.simulator.subscriptions import Wanted
from api.simulator.tables import TABLES
from api.simulator.venue import LiveVenue

HOURS_A_TICK = 3  # of old candles made ahead: some 2 ms
# Events of these tables are on disk before a client hears of them.
DURABLE_TABLES = frozenset({"order", "execution", "wallet", "transact"})

LEVEL_TABLES = frozenset({"orderBookL2", "orderBookL2_25"})
CHEAP_TOPICS: frozenset[Wanted] = frozenset((t, None) for t in TABLES if t not in LEVEL_TABLES)


class Course:
    """Moves one venue. `publish` tells clients; `on_failure` hears that it cannot go on."""

    def __init__(
        self,
        venue: Venue,
        market_time: MarketTime,
        store: StateFile | None,
        *,
        publish: Callable[[Sequence[TableEvent]], None],
        on_failure: Callable[[], None],
    ) -> None:
        self.failure: Exception | None = None  # after it the state is in doubt
        self._venue = venue
        self._time = market_time
        self._store = store
        self._publish = publish
        self._on_failure = on_failure
        if isinstance(venue, LiveVenue):
            market_time.catch_up(venue.now)
        self._latest = market_time.now()

    @property
    def latest(self) -> datetime:
        """The time that the venue has come to, aware UTC."""
        return self._latest

    def advance(self) -> None:
        """Move the venue on to the present; with a clock set back it stands still."""
        self._latest = max(self._latest, self._time.now())
        self._venue.advance(self._latest)

    def settle(self, *, save: bool = False) -> None:
        """Write down and then tell what happened."""
        events = self._venue.drain()
        durable = save or any(event.table in DURABLE_TABLES for event in events)
        if self._store is not None and durable:
            self._store.save(self._venue.dump())
        self._publish(events)

    def tick(self, *, save: bool) -> None:
        """Go on by itself. `save`: write down also what no client is told of, such as prices."""
        self.advance()
        if isinstance(self._venue, LiveVenue):
            self._venue.prepare(HOURS_A_TICK)
        self.settle(save=save)
        if save and self._store is not None:
            self._store.sync()

    def carry_out(self, ask: Callable[[], Answer], changes: bool) -> Answer:
        """Ask for something at the present time, and write down and tell what it changed."""
        try:
            self.advance()
            answer = ask()
            self.settle(save=changes)
        except Exception as error:
            # Half a change, or one that is not on disk: the last good state is what counts.
            if changes:
                self.failure = error
                self._on_failure()
            raise
        return answer

    def close(self) -> None:
        """Write the whole state."""
        if self._store is not None:
            self._store.write_snapshot(self._venue.dump())

    def follow(self, topics: frozenset[Wanted]) -> None:
        """Let the venue leave out the books of levels that nobody follows: they cost most."""
        if isinstance(self._venue, LiveVenue):
            books = {topic for topic in topics if topic[0] in LEVEL_TABLES}
            self._venue.wanted = frozenset(books | CHEAP_TOPICS)
