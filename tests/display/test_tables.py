from __future__ import annotations

import tkinter as tk
from collections.abc import Iterator
from dataclasses import replace

import pytest

from display.cells import Column, Row, Tone
from display.tables import Table
from display.theme import Theme
from tests.display.support import option_of, type_of

COLUMNS = (Column("NAME", 6), Column("FIGURE", 6, right=True))


class Shown:
    """A table in a window of its own."""

    def __init__(self, root: tk.Tk) -> None:
        self.root = root
        self.clicked: list[str] = []
        self.theme = Theme(root, "dark")
        self.table = Table(
            root,
            self.theme,
            COLUMNS,
            name="table",
            empty="nothing yet",
            on_click=self.clicked.append,
        )
        self.table.pack(fill="both", expand=True)
        root.geometry("300x200+0+0")
        root.update()

    def show(self, rows: list[Row]) -> None:
        self.table.show(rows)
        self.root.update()

    def texts(self) -> list[str]:
        """Every text item that is not empty, from the top down."""
        canvas = self.table.canvas
        items = [
            (canvas.coords(item), option_of(canvas, item, "text"))
            for item in canvas.find_all()
            if type_of(canvas, item) == "text"
        ]
        return [text for _, text in sorted(items, key=lambda each: each[0][::-1]) if text]

    def item(self, text: str) -> int:
        """The text item that shows this."""
        canvas = self.table.canvas
        items = [item for item in canvas.find_all() if type_of(canvas, item) == "text"]
        return next(item for item in items if option_of(canvas, item, "text") == text)

    def send(self, event: str, key: str) -> None:
        place = self.table.row_at_root(key)
        assert place is not None
        canvas = self.table.canvas
        x, y = place[0] - canvas.winfo_rootx(), place[1] - canvas.winfo_rooty()
        canvas.event_generate(event, x=x, y=y)
        self.root.update()


@pytest.fixture
def shown(xvfb: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    monkeypatch.setenv("DISPLAY", xvfb)
    root = tk.Tk()
    errors: list[BaseException] = []
    root.report_callback_exception = lambda _kind, error, _trace: errors.append(error)
    yield Shown(root)
    root.destroy()
    assert errors == []


def rows(count: int, figure: str = "1") -> list[Row]:
    return [Row(f"k{n}", (f"n{n}", figure), (Tone.TEXT, Tone.GOOD)) for n in range(count)]


def test_only_cells_that_differ_are_painted(shown: Shown) -> None:
    first = rows(4)
    shown.show(first)
    assert shown.table.painted == 8
    second = [*first[:2], replace(first[2], texts=("n2", "7")), first[3]]
    shown.show(second)
    assert shown.table.painted == 9
    shown.show(rows(4, "7"))
    assert shown.table.painted == 12
    shown.show(second)
    assert shown.table.painted == 15


def test_nothing_is_painted_when_nothing_changes(shown: Shown) -> None:
    shown.show(rows(4))
    before = shown.table.painted
    shown.show(rows(4))
    assert shown.table.painted == before


def test_a_changed_tone_alone_is_painted(shown: Shown) -> None:
    first = rows(1)
    shown.show(first)
    shown.show([replace(first[0], tones=(Tone.TEXT, Tone.BAD))])
    canvas = shown.table.canvas
    assert option_of(canvas, shown.item("1"), "fill") == shown.theme.colour(Tone.BAD)


def test_a_table_without_rows_says_so(shown: Shown) -> None:
    assert "nothing yet" in shown.texts()
    shown.show(rows(1))
    assert "nothing yet" not in shown.texts()
    shown.show([])
    assert "nothing yet" in shown.texts()
    assert "n0" not in shown.texts()


def test_a_long_text_widens_its_column_and_every_row_is_painted(shown: Shown) -> None:
    wide = rows(4)
    wide[1] = replace(wide[1], texts=("a name of many letters", "-123456789.12345678"))
    shown.root.geometry("500x200")
    shown.root.update()
    shown.show(wide)
    assert [text for text in shown.texts() if text.startswith("n")] == ["n0", "n2", "n3"]
    canvas = shown.table.canvas
    name, figure = (shown.item(text) for text in wide[1].texts)
    assert canvas.bbox(name)[2] < canvas.bbox(figure)[0], "the two texts overlap"


def test_columns_that_do_not_fit_can_be_scrolled_to(shown: Shown) -> None:
    shown.show([Row("k", ("x", "9" * 60), (Tone.TEXT, Tone.TEXT))])
    canvas = shown.table.canvas
    assert canvas.xview() != (0.0, 1.0)
    canvas.xview_moveto(1.0)
    shown.root.update()
    assert canvas.bbox(shown.item("9" * 60))[2] - canvas.canvasx(0) <= canvas.winfo_width()


def test_m3_u5_the_row_under_the_press_counts_though_the_list_moves(shown: Shown) -> None:
    shown.show(rows(4))
    shown.send("<ButtonPress-1>", "k2")
    shown.show([Row("new", ("new", "0"), (Tone.TEXT, Tone.TEXT)), *rows(4)])
    shown.send("<ButtonRelease-1>", "k1")
    assert shown.clicked == ["k2"]


def test_u4_a_row_that_vanished_after_the_press_is_still_the_one_clicked(shown: Shown) -> None:
    shown.show(rows(2))
    shown.send("<ButtonPress-1>", "k1")
    shown.show(rows(1))
    shown.send("<ButtonRelease-1>", "k0")
    assert shown.clicked == ["k1"]


def test_a_release_outside_the_table_cancels_the_click(shown: Shown) -> None:
    shown.show(rows(2))
    shown.send("<ButtonPress-1>", "k1")
    shown.table.canvas.event_generate("<ButtonRelease-1>", x=-50, y=20)
    shown.root.update()
    assert shown.clicked == []


def test_rows_out_of_sight_are_no_items_and_are_scrolled_to(shown: Shown) -> None:
    shown.show(rows(500))
    canvas = shown.table.canvas
    assert len(canvas.find_all()) < 100
    assert "n400" not in shown.texts()
    assert shown.table.see("k400")
    assert "n400" in shown.texts()
    assert shown.table.see("absent") is False


def test_a_list_that_shrinks_while_scrolled_shows_its_end(shown: Shown) -> None:
    shown.show(rows(500))
    shown.table.see("k499")
    shown.show(rows(3))
    assert [text for text in shown.texts() if text.startswith("n")] == ["n0", "n1", "n2"]


def test_a_row_on_top_of_a_long_list_repaints_only_what_is_in_sight(shown: Shown) -> None:
    long = rows(500)
    shown.show(long)
    before = shown.table.painted
    shown.show([Row("new", ("new", "1"), (Tone.TEXT, Tone.GOOD)), *long])
    assert shown.table.painted - before <= 2 * 12


def test_the_selected_row_is_marked_wherever_it_moves(shown: Shown) -> None:
    shown.show(rows(3))
    shown.table.select("k1")
    canvas = shown.table.canvas

    def marked() -> float:
        colour = shown.theme.palette.selection
        boxes = [
            item
            for item in canvas.find_all()
            if type_of(canvas, item) == "rectangle"
            and option_of(canvas, item, "fill") == colour
            and option_of(canvas, item, "state") == "normal"
        ]
        return canvas.coords(boxes[0])[1] if boxes else -1.0

    first = marked()
    shown.show([Row("new", ("new", "0"), (Tone.TEXT, Tone.TEXT)), *rows(3)])
    assert marked() > first > 0
    shown.show(rows(1))
    assert marked() == -1.0


def test_a_row_can_be_chosen_by_keyboard(shown: Shown) -> None:
    shown.show(rows(3))
    canvas = shown.table.canvas
    canvas.focus_force()
    shown.root.update()
    for key in ("<Down>", "<Down>", "<Return>", "<Up>", "<Return>"):
        canvas.event_generate(key)
    shown.root.update()
    assert shown.clicked == ["k1", "k0"]


def test_resizing_and_restyling_keep_the_texts(shown: Shown) -> None:
    shown.show(rows(30))
    for size in ("120x60", "900x700", "10x10", "300x200"):
        shown.root.geometry(f"{size}+0+0")
        shown.root.update()
        shown.theme.switch()
        shown.theme.zoom(1)
        shown.table.restyle()
        shown.root.update()
    assert shown.texts().count("n0") == 1
