"""How wide the columns of a table are, and where their texts begin or end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from tkinter.font import Font

from display.cells import Column

_GAP = 4  # least pixels between the texts of two columns


class ColumnWidths:
    """Widths in characters that only grow, so that columns do not tremble with their digits."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._least = [max(column.chars, len(column.title)) for column in columns]
        self._chars = list(self._least)
        self.cut = tuple(self._chars)  # characters of each column for which there is room now
        # A number that ends where a word begins needs more air than two words do.
        between = [1 + (one.right and not other.right) for one, other in pairwise(columns)]
        self._air = [1, *between, 1]

    def widen(self, texts: Sequence[str], font: Font) -> bool:
        """Make room for the texts of a row; True when a column has grown."""
        grown = False
        for column, text in enumerate(texts):
            if len(text) > self._chars[column] or not text.isascii():
                chars = len(text)
                if not text.isascii():
                    chars = -(-font.measure(text) // font.measure("0"))
                if chars > self._chars[column]:
                    self._chars[column] = chars
                    grown = True
        return grown

    def edges(self, width: int, char_width: int) -> tuple[list[int], int]:
        """Return the x of each column's text and the width of all; spare room goes between.

        A column of numbers has its x at the right end. All are in pixels.
        """
        self.cut = self._cut(width, char_width)
        widths, air = [chars * char_width for chars in self.cut], self._air
        gap = max(_GAP, min(4 * _GAP, (width - sum(widths)) // sum(air)))
        spare = max(0, width - sum(widths) - gap * sum(air)) // len(widths)
        edges, left = [], 0
        for column, text_width, share in zip(self._columns, widths, air[:-1], strict=True):
            left += gap * share
            edges.append(left + text_width + spare if column.right else left)
            left += text_width + spare
        return edges, max(width, left + gap)

    def fit(self, texts: Sequence[str]) -> list[str]:
        """Return the texts of a row as far as there is room; words are cut in their middle."""
        return [
            _shortened(text, room) if len(text) > room and not column.right else text
            for text, room, column in zip(texts, self.cut, self._columns, strict=True)
        ]

    def _cut(self, width: int, char_width: int) -> tuple[int, ...]:
        """Make long words shorter where figures would be out of sight, the longest first."""
        chars = list(self._chars)
        over = sum(chars) * char_width + _GAP * sum(self._air) - width
        words = [at for at, column in enumerate(self._columns) if not column.right]
        for at in sorted(words, key=lambda at: self._least[at] - chars[at]):
            less = min(chars[at] - self._least[at], -(-max(0, over) // char_width))
            chars[at] -= less
            over -= less * char_width
        return tuple(chars)


def _shortened(text: str, room: int) -> str:
    """Return the beginning and the end of a text, which may say what an order waits for."""
    tail = room // 2
    return f"{text[: room - 1 - tail]}\u2026{text[-tail:]}"
