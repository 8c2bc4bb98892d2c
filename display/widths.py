"""How wide the columns of a table are, and where their texts begin or end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from tkinter.font import Font

from display.cells import Column

_GAP = 6  # least pixels between the texts of two columns


class ColumnWidths:
    """Widths in characters that only grow, so that columns do not tremble with their digits."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._chars = [max(column.chars, len(column.title)) for column in columns]
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
        widths, air = [chars * char_width for chars in self._chars], self._air
        gap = max(_GAP, min(4 * _GAP, (width - sum(widths)) // sum(air)))
        spare = max(0, width - sum(widths) - gap * sum(air)) // len(widths)
        edges, left = [], 0
        for column, text_width, share in zip(self._columns, widths, air[:-1], strict=True):
            left += gap * share
            edges.append(left + text_width + spare if column.right else left)
            left += text_width + spare
        return edges, max(width, left + gap)
