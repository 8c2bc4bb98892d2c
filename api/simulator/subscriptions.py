"""Who listens to which topic, and the messages that table events become for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from api.simulator.encoding import to_json
from api.simulator.limits import unlimited
from api.simulator.ports import ApiKey, Row, TableEvent
from api.simulator.topics import WITHOUT_SYMBOL, Topic

Wanted = tuple[str, str | None]  # a table and a filter of it; None: all rows


class Outlet(Protocol):
    """Where the texts of a session go. Neither method waits or raises."""

    def send(self, text: str) -> None:
        """Queue a text frame."""

    def close(self, code: int, reason: str) -> None:
        """End the connection after what is queued."""


@dataclass(eq=False, slots=True)
class Session:
    """One WebSocket connection."""

    outlet: Outlet
    key: ApiKey | None = None
    pace: Callable[[], float] = unlimited  # seconds to wait before one more topic
    platform: bool = False  # whether it only knows announcements and the like
    topics: dict[str, Topic] = field(default_factory=dict)  # by canonical name, "order:*"

    @property
    def account(self) -> int | None:
        """Number of the authenticated account."""
        return self.key.account if self.key else None


class Subscriptions:
    """The sessions of each topic; `on_topics` is told whenever the set of topics changes."""

    def __init__(self, on_topics: Callable[[frozenset[Wanted]], None]) -> None:
        self._on_topics = on_topics
        # table -> filter text ("" is all) -> sessions, in the order of their subscription
        self._sessions: dict[str, dict[str, dict[Session, Topic]]] = {}

    def add(self, session: Session, topic: Topic) -> None:
        """Let a session listen to a topic."""
        session.topics[topic.canonical] = topic
        filters = self._sessions.setdefault(topic.table, {})
        is_new = topic.filter not in filters
        filters.setdefault(topic.filter, {})[session] = topic
        if is_new:
            self._on_topics(self._wanted())

    def remove(self, session: Session, topic: Topic) -> None:
        """Let a session no longer listen to a topic."""
        del session.topics[topic.canonical]
        filters = self._sessions[topic.table]
        del filters[topic.filter][session]
        if not filters[topic.filter]:
            del filters[topic.filter]
            self._on_topics(self._wanted())

    def publish(self, event: TableEvent) -> None:
        """Queue an event; a session with `table` and `table:SYMBOL` gets each row once."""
        by_filter = self._sessions.get(event.table)
        if not by_filter or not event.rows:
            return
        served = set(by_filter.get("", ()))
        if served:
            _send(event, event.rows, served)
        for filtered, sessions in by_filter.items():
            waiting = sessions.keys() - served
            if not filtered or not waiting:
                continue
            rows = _selected(event.rows, next(iter(sessions.values())))
            if rows:
                _send(event, rows, waiting)
            if event.table in WITHOUT_SYMBOL:
                served |= waiting

    def _wanted(self) -> frozenset[Wanted]:
        return frozenset(
            (table, wanted or None)
            for table, filters in self._sessions.items()
            for wanted in filters
        )


def _selected(rows: Sequence[Row], topic: Topic) -> Sequence[Row]:
    symbols = topic.symbols
    if symbols is None:
        return rows
    return [row for row in rows if row.get("symbol") in symbols]


def _send(event: TableEvent, rows: Sequence[Row], sessions: Iterable[Session]) -> None:
    text = None
    for session in sessions:
        if event.account is not None and session.account != event.account:
            continue
        if text is None:
            message = {"table": event.table, "action": event.action.value, "data": list(rows)}
            text = to_json(message)
        session.outlet.send(text)
