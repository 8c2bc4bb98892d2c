"""Settings files: lines `KEY = "value"`, each value remembered with its line.

Each line is read by python-dotenv's parser, strictly: what cannot be understood is a problem with a
line number, never a guess. Nothing is substituted in values and the environment of the process is
not asked. A problem or warning never contains a value, nor a name that might be one.
"""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import parse_stream

from common.errors import ConfigurationError

LARGEST_FILE = 65_536  # bytes; settings are about a thousand
FORM = 'write KEY = "value"'

_LINE_END = re.compile(r"\r\n|\n|\r")
_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=(.*)", re.DOTALL)
_TYPOGRAPHIC = "“”„«»‘’"
# A name longer or in other letters than any key might be a secret pasted on a line of its own.
_SHOWABLE_NAME = re.compile(r"[A-Z][A-Z_]{1,29}")


@dataclass(frozen=True, slots=True)
class Value:
    """The text of a key and where it stands; the text is kept out of `repr`."""

    text: str = field(repr=False)
    line: int  # from 1


@dataclass(slots=True)
class EnvFile:
    """What a settings file says, and every sentence about what is wrong with it."""

    path: Path
    values: dict[str, Value] = field(default_factory=dict, repr=False)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set, repr=False)  # keys whose line could not be read

    def place(self, key: str) -> str:
        """Return `file, line N` of a key, or the file alone where the key is absent."""
        value = self.values.get(key)
        return f"{self.path}, line {value.line}" if value else str(self.path)

    def refuse(self, key: str, sentence: str) -> None:
        """Note that the value of `key` is wrong; the sentence goes on after the key's name."""
        self.problems.append(f"{self.place(key)}: {key} {sentence}")

    def warn(self, key: str, sentence: str) -> None:
        """Note something about `key` that does not prevent a start."""
        self.warnings.append(f"{self.place(key)}: {key} {sentence}")

    def optional(self, key: str) -> str:
        """Return the value of a key, "" where it is absent."""
        value = self.values.get(key)
        return value.text if value else ""

    def required(self, key: str, example: str) -> str | None:
        """Return the value of a key; a missing or empty one is a problem and gives None."""
        value = self.values.get(key)
        if value is not None and value.text.strip():
            return value.text
        if value is not None:
            self.refuse(key, f'is empty; write {key} = "{example}"')
        elif key not in self.broken:
            self.refuse(key, f'is missing; add the line {key} = "{example}"')
        return None

    def check_names(self, known: Collection[str], elsewhere: Collection[str], other: str) -> None:
        """Warn of keys that nobody reads; `elsewhere` are those of the file named `other`."""
        for key, value in self.values.items():
            if key in known:
                continue
            shown = showable_name(key, (*known, *elsewhere))
            start = f"{self.path}, line {value.line}: {shown}"
            near = _nearest(key, known)
            if key in elsewhere:
                self.warnings.append(f"{start} is not read here; it belongs into {other}")
            elif near:
                self.warnings.append(f"{start} is not a key of this file; did you mean {near}?")
            else:
                self.warnings.append(f"{start} is not a key of this file and is ignored")


def read_env_file(path: Path) -> EnvFile:
    """Read a settings file.

    Raises ConfigurationError when the file cannot be read at all; what is wrong inside it is
    listed in `problems`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except IsADirectoryError:
        raise ConfigurationError(f"{path} is a folder; it must be a text file") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(
            f"{path} cannot be read ({reason}); check that it exists and that you may read it"
        ) from None
    if len(data) > LARGEST_FILE:
        raise ConfigurationError(
            f"{path} is larger than {LARGEST_FILE} bytes; is it the right file?"
        )
    return parse_env(path, data)


def parse_env(path: Path, data: bytes) -> EnvFile:
    """Return the content of a settings file; total: any bytes give a value and problems."""
    result = EnvFile(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        result.problems.append(f"{path} is not UTF-8 text; save it again with the encoding UTF-8")
        return result
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad_line = data[: error.start].count(b"\n") + 1
        result.problems.append(
            f"{path}, line {bad_line}: not UTF-8 text; save the file again with the encoding UTF-8"
        )
        return result
    for number, line in enumerate(_LINE_END.split(text), start=1):
        _take_line(result, number, line.strip())
    return result


def _take_line(result: EnvFile, number: int, line: str) -> None:
    if not line or line.startswith("#"):
        return
    start = f"{result.path}, line {number}"
    match = _ASSIGNMENT.fullmatch(line)
    if match is None:
        result.problems.append(f"{start}: this is not a setting; {FORM}, or # before a comment")
        return
    key, rest = match.groups()
    shown = showable_name(key, ())
    if key in result.values:
        first = result.values[key].line
        result.problems.append(
            f"{start}: {shown} is given a second time (first on line {first}); delete one of them"
        )
        return
    value, complaint = _value(line, rest.strip())
    if complaint:
        result.broken.add(key)
        result.problems.append(f"{start}: {shown} {complaint}")
        return
    result.values[key] = Value(value, number)


def _value(line: str, rest: str) -> tuple[str, str]:
    """Return the value and "", or "" and what is wrong with it."""
    if rest[:1] and rest[0] in _TYPOGRAPHIC:
        return "", 'begins with a typographic quotation mark; use the straight ones: "value"'
    binding = next(parse_stream(io.StringIO(line)))
    if binding.error or binding.value is None:
        return "", f"has no closing quotation mark, or text after it; {FORM}"
    if not all(character.isprintable() for character in binding.value):
        return "", (
            "contains an invisible character; type the value again, and in single quotes if it "
            "has a backslash"
        )
    return binding.value, ""


def _nearest(key: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(key.upper(), list(known), n=1, cutoff=0.75)
    return found[0] if found else ""


def showable_name(key: str, known: Collection[str]) -> str:
    """Return a key for a message, or words for it where it might be a misplaced secret."""
    if _SHOWABLE_NAME.fullmatch(key) or key in known or _nearest(key, known):
        return key
    return "the key of this line"
