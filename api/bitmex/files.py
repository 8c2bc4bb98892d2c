"""Executions exported as files: CSV with a header, a JSON array, or one JSON object a line.

A CSV file is read row by row, a JSON file is kept in memory while it is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from api.bitmex.csv_file import CsvFile
from api.bitmex.file_rows import FileReader
from api.bitmex.wire import DECODER, Row, shown
from common.domain.imports import FileRows, Place, oldest_first
from common.errors import ConfigurationError

_BLANK = re.compile(r"[\s,]*")
_LOOKED_AT = 65_536  # characters in which the first that is not blank stands


def read_executions(path: Path, account: int | None = None) -> FileRows:
    """Return the rows of a file, oldest first. ConfigurationError: it cannot be read at all.

    `account`: whose the rows are that name none; without it they are refused.
    """
    reader = FileReader(account)
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path} is no file that can be read twice; unpack it into one")
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            begins = file.read(_LOOKED_AT).lstrip()[:1]
        if begins not in ("[", "{"):
            return CsvFile(path, reader)
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start})") from None
    return oldest_first(reader.read(*row) for row in _json_rows(text, path))


def _json_rows(text: str, path: Path) -> Iterator[tuple[Place, Row | str, str | None]]:
    array = text.lstrip()[:1] == "["
    position = 1 + text.index("[") if array else 0
    line, counted, number = 1, 0, 0
    while True:
        blank = _BLANK.match(text, position)
        position = blank.end() if blank else position
        if position >= len(text) or text[position] == "]":
            return
        line += text.count("\n", counted, position)
        counted = position
        try:
            value, end = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            raise ConfigurationError(
                f"{path}, line {line}: not JSON: {shown(text[position : position + 60])}; nothing "
                "from this line on is read. A file holds an array of executions, or one a line"
            ) from None
        number += 1
        place = Place(line, number if array else 0)
        if isinstance(value, dict):
            yield place, value, text[position:end]
        else:
            yield place, f"not an execution: {shown(text[position:end])}", None
        position = end
