"""The state file: what the exchange knows survives the end of its process, however it ends.

Two files: FILE is a snapshot, replaced atomically; FILE.journal holds one line per change since.
A change is written before anybody is told of it, so a killed process loses nothing that a client
has seen. Rewriting everything for each order would grow with the history: the journal takes only
the keys that changed and the new rows of the lists under "history".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from api.simulator.encoding import to_json_bytes
from api.simulator.file_lock import FileLock, StateError
from api.simulator.ports import Json

FORMAT = 1
COMPACT_AT = 8_000_000  # bytes of journal, at least, before a snapshot is written
HISTORY = "history"
Path2 = tuple[str, ...]  # one or two keys


class StateFile:
    """Loads and saves one state; locks the file against a second exchange."""

    def __init__(self, path: Path, *, compact_at: int = COMPACT_AT, reading: bool = False) -> None:
        """reading: nothing will be saved, so another process may hold the file."""
        self._path = path
        self._journal_path = path.with_name(path.name + ".journal")
        self._compact_at = compact_at
        self._journal_limit = compact_at
        self._lock = None if reading else FileLock(path.with_name(path.name + ".lock"))
        self._journal: IO[bytes] | None = None
        self._generation = 0
        self._written: dict[Path2, bytes] = {}
        self._history: dict[str, int] = {}  # rows of each list that are on disk

    def __enter__(self) -> StateFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def load(self) -> dict[str, Json] | None:
        """Return the saved state, or None where the file does not exist yet."""
        if not self._path.exists():
            return None
        snapshot = _read_object(self._path)
        if snapshot.get("format") != FORMAT:
            raise StateError(
                f"{self._path}: field format is {snapshot.get('format')!r}, this program reads "
                f"{FORMAT}. Name another --state file or delete this one."
            )
        state, generation = snapshot.get("state"), snapshot.get("generation")
        if not isinstance(state, dict) or not isinstance(generation, int):
            raise self._damaged("field state or generation is missing")
        self._generation = generation
        self._apply_journal(state)
        return state

    def save(self, state: Mapping[str, Json]) -> None:
        """Put the changes of `state` since the last call into the files."""
        full = self._journal is not None and self._journal.tell() > self._journal_limit
        if self._journal is None or full or self._has_shrunk(state):
            self.write_snapshot(state)
            return
        changes = self._changes(state)
        if changes:
            self._journal.write(to_json_bytes(changes) + b"\n")
            self._journal.flush()

    def sync(self) -> None:
        """Make what was saved survive a power failure too."""
        if self._journal is not None:
            os.fsync(self._journal.fileno())

    def write_snapshot(self, state: Mapping[str, Json]) -> None:
        """Write the whole state and start an empty journal."""
        self._generation += 1
        body = {"format": FORMAT, "generation": self._generation, "state": state}
        content = to_json_bytes(body) + b"\n"
        _replace_file(self._path, content)
        self._journal_limit = max(self._compact_at, len(content))
        # A journal of an older generation is ignored, so a kill between the two files is harmless.
        self._close_journal()
        self._journal = _open_private(self._journal_path)
        self._journal.write(to_json_bytes({"generation": self._generation}) + b"\n")
        self._journal.flush()
        self._written.clear()
        self._history.clear()
        self._changes(state)

    def close(self) -> None:
        """Close the files and let another exchange use them."""
        self._close_journal()
        if self._lock is not None:
            self._lock.release()

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _changes(self, state: Mapping[str, Json]) -> dict[str, Json]:
        """Return the difference to what is written, and count it as written."""
        encoded: dict[Path2, bytes] = {}
        values: dict[Path2, Json] = {}
        for path, value in _entries(state):
            values[path] = value
            encoded[path] = to_json_bytes(value)
        changed = [p for p, text in encoded.items() if self._written.get(p) != text]
        gone = _removed(self._written, encoded, state)
        self._written = encoded
        appended = self._new_rows(state)
        changes: dict[str, Json] = {}
        if changed:
            changes["set"] = [[list(path), values[path]] for path in changed]
        if gone:
            changes["remove"] = gone
        if appended:
            changes["append"] = appended
        return changes

    def _has_shrunk(self, state: Mapping[str, Json]) -> bool:
        """Whether a list of the history lost rows, which a journal cannot say."""
        history = state.get(HISTORY, {})
        assert isinstance(history, Mapping)
        return any(len(history.get(name, ())) < known for name, known in self._history.items())

    def _new_rows(self, state: Mapping[str, Json]) -> dict[str, Json]:
        history = state.get(HISTORY, {})
        assert isinstance(history, Mapping)
        appended: dict[str, Json] = {}
        for name, rows in history.items():
            known = self._history.get(name)
            if known is None or len(rows) > known:
                appended[name] = rows[known or 0 :]
            self._history[name] = len(rows)
        return appended

    def _apply_journal(self, state: dict[str, Json]) -> None:
        if not self._journal_path.exists():
            return
        lines = self._journal_path.read_bytes().split(b"\n")
        # What follows the last line feed was being written when the process ended; nobody was
        # told of it.
        for number, line in enumerate(lines[:-1], start=1):
            try:
                changes = json.loads(line)
                if number == 1:
                    if changes["generation"] != self._generation:
                        return
                    continue
                _apply(state, changes)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise self._damaged(f"line {number} of {self._journal_path.name}") from error

    def _damaged(self, place: str) -> StateError:
        return StateError(
            f"{self._path}: damaged at {place}. Restore the file from a copy, or delete it and "
            f"{self._journal_path.name} to start afresh."
        )


def _entries(state: Mapping[str, Json]) -> list[tuple[Path2, Json]]:
    entries: list[tuple[Path2, Json]] = []
    for key, value in state.items():
        if key == HISTORY:
            continue
        if isinstance(value, Mapping) and value:
            entries.extend(((key, str(inner)), v) for inner, v in value.items())
        else:
            entries.append(((key,), value))
    return entries


def _removed(
    written: Mapping[Path2, bytes], encoded: Mapping[Path2, bytes], state: Mapping[str, Json]
) -> list[Path2]:
    """Return what must go; an entry whose parent is replaced as a whole goes with it."""
    gone: dict[Path2, None] = {}
    for path in written:
        parent = state.get(path[0])
        if path[0] not in state:
            gone[path[:1]] = None
        elif path not in encoded and len(path) == 2 and isinstance(parent, Mapping) and parent:
            gone[path] = None
    return list(gone)


def _apply(state: dict[str, Json], changes: dict[str, Json]) -> None:
    """Bring a state forward by one line of the journal."""
    removed, changed, appended = (
        changes.get("remove", []),
        changes.get("set", []),
        changes.get("append", {}),
    )
    assert isinstance(removed, list) and isinstance(changed, list) and isinstance(appended, dict)
    for path in removed:
        _remove(state, path)
    for path, value in changed:
        if len(path) == 1:
            state[path[0]] = value
        else:
            parent = state.get(path[0])
            if not isinstance(parent, dict):
                parent = state[path[0]] = {}
            parent[path[1]] = value
    history = state.setdefault(HISTORY, {}) if appended else {}
    assert isinstance(history, dict)
    for name, rows in appended.items():
        history.setdefault(name, []).extend(rows)


def _remove(state: dict[str, Json], path: list[str]) -> None:
    if len(path) == 1:
        state.pop(path[0])
        return
    parent = state[path[0]]
    assert isinstance(parent, dict)
    del parent[path[1]]


def _read_object(path: Path) -> dict[str, Json]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        message = f"{path}: not readable as JSON ({error}). Restore the file or delete it."
        raise StateError(message) from error
    except OSError as error:
        raise StateError(f"{path}: cannot be read ({error.strerror}).") from error
    if not isinstance(value, dict):
        raise StateError(f"{path}: holds no JSON object. Restore the file or delete it.")
    return value


def _open_private(path: Path) -> IO[bytes]:
    """Open for writing, readable by the owner alone: the state holds the keys of the accounts."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _O_BINARY, 0o600)
    return os.fdopen(descriptor, "wb")


_O_BINARY: int = getattr(os, "O_BINARY", 0)  # Windows would translate line ends without it


def _replace_file(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    with _open_private(temporary) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
