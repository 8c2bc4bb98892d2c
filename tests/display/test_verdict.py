"""The state line tells whether books and exchange agree; CONTROL that is off is an alarm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.domain.commands import VerifyBooks
from common.domain.instruments import Category, Symbol
from common.domain.verification import Difference, Rule, Verification
from common.engine.snapshot import Health
from display import presenter
from display.cells import Tone
from display.verdict import books_state
from tests.display import support
from tests.display.support import NOW, Bench

XBTUSDT = Symbol("XBTUSDT", Category.LINEAR)
POSITION = Difference(
    Rule.POSITION, XBTUSDT, "USDt", "myBot", "position", 100, 300, "the long sentence"
)
RESULT = Difference(
    Rule.RESULT, None, "XBt", "", "result of trading", 123_456_789, 123_456_788, "a sentence"
)
COMMISS = Difference(
    Rule.FILL, XBTUSDT, "USDt", "myBot", "COMMISS of execution 17", 37_028, 37_027, "a sentence"
)


def said(*verifications: Verification) -> tuple[str, Tone] | None:
    markets = [replace(support.market_row(), verification=each) for each in verifications]
    return books_state(markets, support.accounts())


@pytest.mark.parametrize(
    ("verification", "words", "tone"),
    [
        (Verification(), "books not verified yet", Tone.DIM),
        (Verification(running=True), "books are being verified", Tone.DIM),
        (Verification(at=NOW), "books verified 04:05:06", Tone.GOOD),
        (Verification(at=NOW, running=True), "books verified 04:05:06", Tone.GOOD),
        (Verification(at=NOW, problem="no answer"), "books not verified: no answer", Tone.WARN),
        (
            Verification(at=NOW, differences=(POSITION,)),
            "BOOKS DIFFER: myBot XBTUSDT.linear 100, not 300: position",
            Tone.BAD,
        ),
        (
            Verification(differences=(RESULT, POSITION)),
            "BOOKS DIFFER (+1): XBt 1.23456789, not 1.23456788: result of trading",
            Tone.BAD,
        ),
        (
            Verification(differences=(COMMISS,)),
            "BOOKS DIFFER: myBot XBTUSDT.linear USDt 0.037028, not 0.037027: "
            "COMMISS of execution 17",
            Tone.BAD,
        ),
        (
            Verification(
                differences=(
                    Difference(Rule.WALLET_TYPE, None, "XBt", "", "type Staking", 0, 2, "a text"),
                )
            ),
            "BOOKS DIFFER: type Staking of the wallet is not known",
            Tone.BAD,
        ),
        (
            Verification(at=NOW, differences=(replace(POSITION, blocks=False),)),
            "books verified 04:05:06",
            Tone.GOOD,
        ),
    ],
)
def test_the_verdict_is_one_line(verification: Verification, words: str, tone: Tone) -> None:
    assert said(verification) == (words, tone)


def test_the_worst_market_is_told() -> None:
    good, bad = Verification(at=NOW), Verification(differences=(POSITION,))
    assert said(good, bad) == said(bad)
    assert said(Verification(), good) == said(Verification())
    assert said() is None


def test_an_amount_of_an_unknown_currency_is_told_in_smallest_units() -> None:
    odd = replace(RESULT, currency="ZZZ")
    assert said(Verification(differences=(odd,))) == (
        "BOOKS DIFFER: ZZZ 123456789, not 123456788: result of trading",
        Tone.BAD,
    )


def test_control_that_is_off_is_marked_and_red() -> None:
    account = support.accounts()[0]
    calm, alarmed = (
        presenter.account_row(replace(account, alarm=alarm)) for alarm in (False, True)
    )
    assert (calm.texts[-1], calm.tones[-1]) == ("0.00004321", Tone.TEXT)
    assert (alarmed.texts[-1], alarmed.tones[-1]) == ("! 0.00004321", Tone.BAD)


def test_the_window_shows_it_and_asks_by_key_and_click(window: Bench) -> None:
    line = window.terminal.layout.state_line
    assert line.books["text"] == "books not verified yet"
    verified = Verification(at=NOW, executions=40)
    window.change(markets=(replace(support.market_row(), verification=verified),))
    assert line.books["text"] == "books verified 04:05:06"
    assert line.books.winfo_reqwidth() <= line.books.winfo_width()
    window.root.focus_force()
    window.root.update()
    window.root.event_generate("<F7>")
    window.root.event_generate("<F7>")  # a key that is held down
    window.now += 1
    line.books.event_generate("<ButtonRelease-1>")
    window.root.update()
    assert window.sent == [VerifyBooks(), VerifyBooks()]


def test_a_difference_stands_in_the_state_line_and_whole_in_the_exchange_box(
    window: Bench,
) -> None:
    sentence = "position of XBTUSDT.linear: the bots hold 100 contracts, the account holds 300"
    differing = Verification(differences=(replace(POSITION, text=sentence),))
    row = support.market_row(Health.BLOCKED, f"BOOKS DIFFER: {sentence}")
    window.change(markets=(replace(row, verification=differing),))
    line = window.terminal.layout.state_line
    assert line.books["text"].startswith("BOOKS DIFFER: myBot XBTUSDT.linear 100, not 300")
    assert line.health["text"] == "BLOCKED"  # why stands beside it
    assert sentence in window.terminal.layout.exchange.get("1.0", "end")
    state = window.terminal.describe()["state"]
    assert isinstance(state, dict)
    assert state["books"] == line.books["text"]
    assert line.clock.winfo_ismapped()
