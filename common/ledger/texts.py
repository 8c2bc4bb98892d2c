"""Texts of strangers, made fit for every database."""

from __future__ import annotations


def storable(text: str, size: int | None = None) -> str:
    """Return text without what databases refuse: half surrogates are spelled out, NUL removed.

    `size`: characters that the column takes; the rest is cut off.
    """
    if text.isascii() and "\0" not in text:  # nearly always
        return text[:size]
    legible = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "")
    return legible[:size]
