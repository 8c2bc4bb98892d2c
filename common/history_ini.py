"""`history.ini`: the date from which trades are fetched when the books know no better.

The user may write any date; the program writes that of the last booked execution, together with
the account it belongs to. The file is a hint: nothing in it can prevent a start.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from common.domain.books import AccountKey

EVERYTHING = datetime(2000, 1, 1, tzinfo=timezone.utc)  # before any exchange's first trade
LARGEST_FILE = 65_536  # bytes

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]+([0-9]{2}):([0-9]{2}):([0-9]{2}))?")
_WRITTEN_BY_US = "# last booked:"
_HINT = "# To fetch older trades again, change the date in the first line (UTC) and start anew."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HistoryDate:
    """What the file says for one account."""

    at: datetime  # aware UTC
    by_user: bool  # a date that a person wrote, not the program
    ours: bool = False  # the program wrote it, for this very account
    warning: str = ""  # why the file's own date is not used, in words

    def wished(self, cursor: datetime | None) -> datetime | None:
        """Return the date where it counts beside the books' cursor (None: there are no books).

        The program's own counts where books are: an earlier one is that of a person's wish, as far
        as it was fulfilled before the program was killed.
        """
        return self.at if self.by_user or (self.ours and cursor is not None) else None


class HistoryFile:
    """Reads and writes one `history.ini`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: str | None = None  # text as last read or written; None: not known

    def read(self, key: AccountKey, now: datetime) -> HistoryDate:
        """Return the date for an account. Never raises; the fallback fetches everything.

        A date that the program wrote for another account or network does not count: it would
        hide the trades of this one.
        """
        try:
            self._seen = self._text()
        except FileNotFoundError:
            self._seen = ""
            log.info("%s does not exist yet", self._path)
            return HistoryDate(EVERYTHING, by_user=False)
        except (OSError, UnicodeDecodeError) as error:
            self._seen = None
            return self._fallback(f"cannot be read ({_reason(error)})")
        return self._judge(self._seen, key, now)

    def write(self, at: datetime, key: AccountKey) -> str:
        """Replace the file by `at`, durable before it takes the old one's place.

        Call it only after everything up to `at` is in the books. A file that was changed since it
        was last read or written is left alone: that date is the user's wish for the next start.
        Returns what prevented it, in words, or "".
        """
        date = _format(at)
        text = f"{date}\n{_HINT}\n{_mark(date, key)}\n"
        try:
            if self._seen is not None and self._text() != self._seen:
                return f"{self._path} was changed by hand; its date counts at the next start"
        except FileNotFoundError:
            log.info("%s is written anew", self._path)
        except (OSError, UnicodeDecodeError) as error:
            return f"{self._path} cannot be read ({_reason(error)})"
        return self._replace(text)

    def create(self, at: datetime) -> str:
        """Write a first file, as if by the user. Returns what prevented it, or ""."""
        return self._replace(f"{_format(at)}\n{_HINT}\n")

    def _text(self) -> str:
        with self._path.open("rb") as file:
            return file.read(LARGEST_FILE).decode("utf-8-sig")

    def _judge(self, text: str, key: AccountKey, now: datetime) -> HistoryDate:
        lines = [line.strip() for line in text.splitlines()]
        dates = [line.strip("\"'") for line in lines if line and line[0] not in "#;"]
        if not dates:
            return self._fallback("is empty")
        at = _parse(dates[0])
        if at is None:
            return self._fallback("does not begin with a date like 2023-12-08 12:53:36")
        marks = [line for line in lines if line.startswith(f"{_WRITTEN_BY_US} {_format(at)} ")]
        if marks and marks[-1] != _mark(_format(at), key):
            return self._fallback("was written for another account or network")
        if at > now:
            return self._fallback(f"has a date in the future, {_format(at)}")
        return HistoryDate(max(at, EVERYTHING), by_user=not marks, ours=bool(marks))

    def _fallback(self, what: str) -> HistoryDate:
        return HistoryDate(
            EVERYTHING,
            by_user=False,
            warning=f"{self._path} {what}: trades are fetched from where the books end,"
            f" or from {_format(EVERYTHING)} where they are empty",
        )

    def _replace(self, text: str) -> str:
        """Write to a second file and rename it: a crash leaves the old file or the new one."""
        temporary = self._path.with_name(self._path.name + ".tmp")
        try:
            with open(
                temporary, "w", encoding="utf-8", newline="\n", opener=_for_the_owner
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            return f"{self._path} cannot be written ({_reason(error)})"
        self._seen = text
        return ""


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _parse(text: str) -> datetime | None:
    match = _DATE.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None


def _format(at: datetime) -> str:
    """Return UTC without fractions, rounded down: what lies between is fetched once more."""
    return at.astimezone(timezone.utc).replace(tzinfo=None).isoformat(" ", "seconds")


def _mark(date: str, key: AccountKey) -> str:
    return f"{_WRITTEN_BY_US} {date} {key.market} {key.network} account {key.account}"


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__


def _sync_folder(folder: Path) -> None:
    """Make a rename durable, on systems where a folder can be opened."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
