"""Keep secrets and control characters out of texts that people read or keep.

Registered secrets are replaced in the forms in which libraries quote them. The register belongs to
the process, because every log record of every thread passes it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORTEST_SECRET = 4  # characters; hiding shorter ones would make every text unreadable

_SIGNATURE = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{64}(?![0-9A-Za-z])")  # HMAC-SHA256 in hex


class Redactor:
    """Replaces every registered secret, and everything that looks like a signature."""

    def __init__(self) -> None:
        self._pattern: re.Pattern[str] | None = None
        self._forms: frozenset[str] = frozenset()

    def register(self, secret: str) -> None:
        """Hide `secret` from now on. A second time changes nothing."""
        if len(secret) < SHORTEST_SECRET:
            return
        forms = self._forms | _forms_of(secret)
        # Longest first, so that no form leaves the rest of a longer one behind.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._forms = forms
        self._pattern = re.compile("|".join(re.escape(form) for form in ordered))

    def redact(self, text: str) -> str:
        """Return the text without secrets."""
        pattern = self._pattern
        if pattern is not None:
            text = pattern.sub(HIDDEN, text)
        return _SIGNATURE.sub(HIDDEN, text)


redactor = Redactor()


def escape(text: str) -> str:
    r"""Return the text on one line: control, direction and other invisible characters as \x1b.

    What an exchange or an order says can otherwise forge lines or steer a terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _harmless(c) else _code(c) for c in text)


def clean(text: str, longest: int) -> str:
    """Return `text` redacted, then escaped, then cut to `longest` characters."""
    # In this order: a cut through a secret would leave its beginning.
    text = escape(redactor.redact(text))
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest} more characters)"


def _harmless(character: str) -> bool:
    return character == " " or not unicodedata.category(character).startswith(("C", "Z"))


def _code(character: str) -> str:
    number = ord(character)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named:
        return named
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _forms_of(secret: str) -> set[str]:
    """Return the secret as it stands in plain text, URLs, JSON and Python literals."""
    return {
        secret,
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        escape(secret),
    }
