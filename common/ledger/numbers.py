"""Order numbers: the part of a clOrdID before the dot, never used twice."""

from __future__ import annotations

from datetime import datetime

from common.domain.orders import NUMBER_DIGITS

NUMBER_LIMIT = 10**NUMBER_DIGITS  # at a million orders a day: for 2,700 years
MARGIN = 1_000_000  # distance to every number that others may have used
CLOCK_ORIGIN = 1_591_000_000  # Unix seconds; numbers made from the clock count tenths from here


def first_free(reserved: int, booked: int, now: datetime) -> int:
    """Return the first number of a new block.

    `reserved` is what the database has given out up to (exclusive), `booked` the highest number
    in the books. The clock is only a floor: it keeps numbers new where the database was lost or
    an older copy of it was brought back, and where ids were once made from tenths of a second.
    """
    clock = int((now.timestamp() - CLOCK_ORIGIN) * 10) + MARGIN
    if reserved:
        return max(reserved, clock)
    return max(booked + MARGIN, clock) + 1
