"""A back-test that was started from the window, as far as it has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackTestState:
    """The back-test that was started last."""

    emi: str = ""  # "": none yet
    running: bool = False
    played: int = 0  # bars
    total: int = 0  # bars; 0: not known yet
    text: str = ""  # the report, or why there is none, when it has ended
    failed: bool = False  # it ended without a report
