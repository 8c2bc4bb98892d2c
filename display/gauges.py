"""What the screen says of the request limits of an exchange. Pure."""

from __future__ import annotations

from common.domain.market import RequestsLeft

SCARCE = 0.4  # share of the limit below which the gauge warns; a fifth is kept for cancels


def requests_text(left: RequestsLeft | None) -> str:
    """Return the requests that are left of those of a minute, in words."""
    if left is None:
        return ""
    if left.closed_for:
        return f"requests: none for {left.closed_for} s, but cancels"
    return f"requests {left.minute}/{left.minute_limit}"


def is_scarce(left: RequestsLeft | None) -> bool:
    """Whether orders may soon have to wait."""
    return left is not None and (left.closed_for > 0 or left.minute < SCARCE * left.minute_limit)
