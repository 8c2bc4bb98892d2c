"""The subscriptions of one stream session and the images that they owe; pure.

The exchange sometimes forgets the image of a topic. Ten seconds without it, and the topic is
subscribed again by itself; three such tries in vain, and the session is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from api.bitmex.wire import encode

PATIENCE = 10.0  # seconds until the image of a topic must have arrived
TRIES = 3  # further subscriptions before the session is given up
TOPICS_PER_MESSAGE = 10  # more at once meet the exchange's limit of pending subscriptions


class Topics:
    """What has been subscribed and which images have arrived."""

    def __init__(self, names: Iterable[str]) -> None:
        self._missing = dict.fromkeys(names, 0)  # name -> tries made again
        self._arrived: set[str] = set()
        self._deadline: float | None = None
        self._told = False

    def __contains__(self, name: str) -> bool:
        return name in self._missing or name in self._arrived

    def opening(self) -> list[str]:
        """Return the texts that subscribe all topics."""
        names = list(self._missing)
        groups = range(0, len(names), TOPICS_PER_MESSAGE)
        return [_operation("subscribe", names[i : i + TOPICS_PER_MESSAGE]) for i in groups]

    def arrive(self, name: str) -> None:
        """Note the image of a topic."""
        self._missing.pop(name, None)
        self._arrived.add(name)

    def give_up(self, name: str) -> None:
        """Do without a topic that the exchange refuses."""
        self._missing.pop(name, None)

    def drop(self, unwanted: Callable[[str], bool]) -> list[str]:
        """Do without topics; return the texts that end their subscriptions."""
        names = [name for name in (*self._missing, *sorted(self._arrived)) if unwanted(name)]
        for name in names:
            self._missing.pop(name, None)
            self._arrived.discard(name)
        groups = range(0, len(names), TOPICS_PER_MESSAGE)
        return [_operation("unsubscribe", names[i : i + TOPICS_PER_MESSAGE]) for i in groups]

    def has(self, name: str) -> bool:
        """Whether the image of a topic has arrived."""
        return name in self._arrived

    def again(self, names: Sequence[str]) -> list[str]:
        """Return the texts that end and renew subscriptions, one message per topic.

        One each, so that a refusal names the topic that it concerns.
        """
        ops = ("unsubscribe", "subscribe")
        return [_operation(op, [name]) for name in names for op in ops]

    def completed(self) -> bool:
        """Return True once: at the first call with no image missing."""
        if self._told or self._missing:
            return False
        self._told = True
        return True

    def overdue(self, now: float) -> tuple[list[str], list[str]]:
        """Return (topics to subscribe again, topics that stayed out to the last), at `now`.

        `now` is in monotonic seconds; the clock of a session starts at the first call.
        """
        if not self._missing:
            return [], []
        if self._deadline is None:
            self._deadline = now + PATIENCE
        if now < self._deadline:
            return [], []
        self._deadline = now + PATIENCE
        lost = [name for name, tries in self._missing.items() if tries >= TRIES]
        for name in self._missing:
            self._missing[name] += 1
        return list(self._missing), lost


def _operation(operation: str, names: Sequence[str]) -> str:
    return encode({"op": operation, "args": list(names)})
