"""Watches the window: bots do not trade behind a picture that has stood still for long."""

from __future__ import annotations

from collections.abc import Callable

FROZEN_AFTER = 10  # looks without a sign, one a second
LOOK_EVERY = 1.0  # seconds


class UiWatch:
    """Counts its own looks since the window's last sign of life.

    Looks, not seconds: after a sleep of the computer both threads begin again, and the window gets
    the time that it needs. Without a first sign there is no window to watch.
    """

    def __init__(
        self,
        *,
        later: Callable[[float, Callable[[], None]], None],
        trading: Callable[[], bool],
        stop_trading: Callable[[str], None],
    ) -> None:
        self._later = later
        self._trading = trading
        self._stop_trading = stop_trading
        self._looks: int | None = None  # None: no window yet

    @property
    def frozen(self) -> bool:
        """Whether the window has not drawn for long."""
        return self._looks is not None and self._looks >= FROZEN_AFTER

    def drawn(self) -> None:
        """The window has drawn."""
        first = self._looks is None
        self._looks = 0
        if first:
            self._later(LOOK_EVERY, self._look)

    def _look(self) -> None:
        self._looks = (self._looks or 0) + 1
        if self.frozen and self._trading():
            self._stop_trading(
                f"the window has not drawn for {FROZEN_AFTER} s: TRADING is switched OFF, because "
                "nobody can see what bots do; open orders stay"
            )
        self._later(LOOK_EVERY, self._look)
