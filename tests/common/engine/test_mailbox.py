"""The engine's inbox."""

from __future__ import annotations

import threading

from common.engine.items import RawText
from common.engine.mailbox import Mailbox


def text(number: int) -> RawText:
    return RawText("Venue", 1, 0.0, str(number))


def test_items_come_out_in_order() -> None:
    box = Mailbox()
    for number in range(5):
        box.put(number)
    assert [box.get(0) for _ in range(6)] == [0, 1, 2, 3, 4, None]


def test_a_full_box_holds_the_stream_back_but_nobody_else() -> None:
    box = Mailbox(limit=2)
    box.put(text(1))
    box.put(text(2))
    third = threading.Thread(target=box.put, args=(text(3),))
    third.start()
    box.put("a command")  # returns at once
    assert third.is_alive()
    assert box.get(1) == text(1)
    third.join(5)
    assert not third.is_alive()
    assert [box.get(1) for _ in range(3)] == [text(2), "a command", text(3)]


def test_closing_lets_a_waiting_writer_go() -> None:
    box = Mailbox(limit=1)
    box.put(text(1))
    second = threading.Thread(target=box.put, args=(text(2),))
    second.start()
    box.close()
    second.join(5)
    assert not second.is_alive()
