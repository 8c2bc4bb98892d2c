"""Why a market is not up, in words, and when it is tried again."""

from __future__ import annotations

from common.engine.notices import NoticeBoard
from common.engine.retry import Retry
from common.errors import (
    AccountChanged,
    AuthenticationFailed,
    ConfigurationError,
    NotTrusted,
    TmaticError,
)

_FOR_GOOD = (ConfigurationError, AccountChanged)
_FOR_A_PERSON = (AuthenticationFailed, NotTrusted)


class Standing:
    """The last fall of a market, until it is up again."""

    def __init__(self, market: str, notices: NoticeBoard) -> None:
        self.problem = ""  # blocks until a restart
        self.refused = ""  # blocks; tried again slowly
        self.offline = ""
        self._market = market
        self._notices = notices
        self._retry = Retry()

    @property
    def blocked(self) -> str:
        """Why a person has to act, "" when nobody has to."""
        return self.problem or self.refused

    def up(self) -> None:
        """The market came up."""
        self.refused = self.offline = ""
        self._retry = Retry()

    def fell(self, error: TmaticError) -> float | None:
        """Say why; return the seconds until the next attempt, None: there is none."""
        if isinstance(error, _FOR_GOOD):
            self.problem = str(error)
            self._notices.error(str(error))
            return None
        delay = self._retry.after(error)
        reason = f"{str(error).rstrip('.')}; trying again"
        news = reason not in (self.refused, self.offline)
        blocks = isinstance(error, _FOR_A_PERSON)
        self.refused, self.offline = (reason, "") if blocks else ("", reason)
        if news:
            self._notices.warning(f"{self._market}: {reason} in {delay:.1f} s")
        return delay
