"""Closed windows leave nothing of Tk to Python's collector, whose thread may be any."""

from __future__ import annotations

import ast
import gc
import threading
import weakref

import pytest

from display.dialogs import Dialog
from tests.display.support import Bench
from tests.support.source import modules, tree


def open_and_close(window: Bench) -> list[weakref.ref[Dialog]]:
    window.click_on("book", "Buy 68411.0")
    window.terminal.actions.click_order(window.snapshot.orders[0].key)
    window.terminal.actions.open_stop()
    window.root.update()
    dialogs = window.terminal.actions.dialogs()
    assert len(dialogs) == 3
    for dialog in dialogs:
        dialog.close()
    window.root.update()
    return [weakref.ref(dialog) for dialog in dialogs]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_closed_windows_are_freed_on_another_thread_without_a_call_of_tk(window: Bench) -> None:
    gc.collect()  # windows of earlier tests, whose interpreters only this thread may delete
    gc.disable()
    try:
        closed = open_and_close(window)
        window.terminal.actions.dialogs()
        thread = threading.Thread(target=gc.collect)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        assert [each() for each in closed] == [None, None, None]
    finally:
        gc.enable()


def test_no_part_of_the_window_uses_a_plain_variable_of_tk() -> None:
    plain = {"StringVar", "BooleanVar", "IntVar", "DoubleVar", "Variable"}
    found = [
        f"{name}:{node.lineno}"
        for name, path in modules().items()
        if name.startswith("display.") and name != "display.own_variables"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in plain and isinstance(node.ctx, ast.Load)
    ]
    assert found == []
