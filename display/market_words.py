"""The state of a market and its network in words and colours. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from common.domain.executions import Network
from common.engine.snapshot import Health, MarketRow
from display.cells import Tone

MODES = {Network.DEMO: "DEMO", Network.TEST: "TESTNET", Network.REAL: "REAL"}

_HEALTH_TONES = {
    Health.LIVE: Tone.GOOD,
    Health.STARTING: Tone.WARN,
    Health.RECONCILING: Tone.WARN,
    Health.STALE: Tone.WARN,
    Health.OFFLINE: Tone.BAD,
    Health.BLOCKED: Tone.BAD,
}
_HEALTH_WORDS = {
    Health.LIVE: "ready to trade",
    Health.STARTING: "being brought up",
    Health.RECONCILING: "comparing the books",
    Health.STALE: "no fresh data",
    Health.OFFLINE: "exchange not reached",
    Health.BLOCKED: "a person must act",
}
# From the best to the worst: the state line shows the worst market.
_HEALTH_ORDER = (
    Health.LIVE,
    Health.RECONCILING,
    Health.STARTING,
    Health.STALE,
    Health.OFFLINE,
    Health.BLOCKED,
)


def worst_market(markets: Sequence[MarketRow]) -> MarketRow | None:
    """Return the market whose state a trader must know first; None when there is none."""
    return max(markets, key=lambda row: _HEALTH_ORDER.index(row.health), default=None)


def health_tone(health: Health) -> Tone:
    """Return the colour of a market's state."""
    return _HEALTH_TONES[health]


def health_words(market: MarketRow) -> str:
    """Return what the state of a market means, in words."""
    if market.read_only and market.health is Health.BLOCKED:
        return "read-only, another terminal trades"
    return _HEALTH_WORDS[market.health]
