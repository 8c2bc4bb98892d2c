"""The life of an order in one table: which state may follow which, and what may be done in each.

States are `Phase`s. What the exchange says decides; this table says what it can possibly mean, so
that a message that overtook another one, or makes no sense, leaves the order as it is. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from common.domain.orders import Phase


class Action(Enum):
    """What may be asked of the exchange for an order."""

    AMEND = "amend"
    CANCEL = "cancel"
    LOOK = "look"  # ask what became of it


_ENDS = (Phase.FILLED, Phase.CANCELED, Phase.REJECTED)

# state -> the states that may follow it
TRANSITIONS: Mapping[Phase, frozenset[Phase]] = {
    # Registered, its intent on the way to the database or its request on the way to the exchange.
    Phase.PENDING: frozenset({Phase.OPEN, Phase.UNKNOWN, *_ENDS}),
    # The exchange holds it. UNKNOWN: the answer to an amendment was lost.
    Phase.OPEN: frozenset({Phase.UNKNOWN, *_ENDS}),
    # A request's outcome is being asked about; nothing is sent again.
    Phase.UNKNOWN: frozenset({Phase.OPEN, *_ENDS}),
    # Ended. A fill may come late; the stream alone, with newer news, may revive an order.
    Phase.FILLED: frozenset({Phase.OPEN}),
    Phase.CANCELED: frozenset({Phase.OPEN, Phase.FILLED}),
    Phase.REJECTED: frozenset(),
}

# state -> what may be sent. A pending order is withdrawn instead of cancelled, or cancelled as soon
# as the exchange has it; one of unknown outcome may be cancelled: that can only end it.
ACTIONS: Mapping[Phase, frozenset[Action]] = {
    Phase.PENDING: frozenset({Action.LOOK}),
    Phase.OPEN: frozenset({Action.AMEND, Action.CANCEL, Action.LOOK}),
    Phase.UNKNOWN: frozenset({Action.CANCEL, Action.LOOK}),
    Phase.FILLED: frozenset(),
    Phase.CANCELED: frozenset(),
    Phase.REJECTED: frozenset(),
}

# Only from here may an order be given up as never placed: the exchange has shown no trace of it.
NEVER_PLACED_FROM = frozenset({Phase.PENDING, Phase.UNKNOWN})


def follows(present: Phase, news: Phase) -> bool:
    """Whether an order in the state `present` may be in the state `news` next, or stay as it is."""
    return news is present or news in TRANSITIONS[present]


def allows(phase: Phase, action: Action) -> bool:
    """Whether something may be sent for an order in this state."""
    return action in ACTIONS[phase]
