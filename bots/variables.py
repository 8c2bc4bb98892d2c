"""The bots as strategies see them (façade of the strategy API, docs/bots.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Variables:
    """What `algo/init.py` fills and reads. Published as class attributes.

    robo: EMI -> function, filled by `init_algo`. robots: EMI -> dict of the bot. frames, framing:
    market -> (ticker, category) -> timeframe in minutes -> bars, and parameters with the list of
    the EMIs that belong to the timeframe.
    """

    robo: dict[str, Callable[..., object]] = {}  # noqa: RUF012
    robots: dict[str, dict[str, Any]] = {}  # noqa: RUF012
    frames: dict[str, dict[tuple[str, str], dict[int, Any]]] = {}  # noqa: RUF012
    framing: dict[str, dict[tuple[str, str], dict[int, dict[str, Any]]]] = {}  # noqa: RUF012
    missing_days_number = 10  # days of candles downloaded before a bot's first call
