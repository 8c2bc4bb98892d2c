"""The form of a bot: what stands beside each field while it is typed, and what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from common.domain.bots import OnStop
from common.domain.commands import CancelOrder, Command
from common.domain.parameters import ParameterKind, ParameterSpec, StrategyInfo
from display.bot_form import BotForm, Draft
from tests.display.support import MARKET, Bench

TREND = StrategyInfo(
    "trend:Trend",
    "Follows the trend.",
    (
        ParameterSpec("fast", ParameterKind.INTEGER, "12", "2", "200", help="bars"),
        ParameterSpec("stop", ParameterKind.DECIMAL, "0.015", "0.001", "0.2"),
        ParameterSpec("short", ParameterKind.BOOLEAN, "true", help="sell short, too"),
        ParameterSpec("side", ParameterKind.CHOICE, "both", choices=("both", "long")),
    ),
    "trend.py",
)
PLAIN = StrategyInfo("plain:Plain", "Does nothing.", (), "plain.py")
DEFAULTS = {"fast": "12", "stop": "0.015", "short": "true", "side": "both"}


class Saved:
    """Makes a command of a draft, and remembers the draft."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []

    def __call__(self, event: int, draft: Draft) -> Command:
        self.drafts.append(draft)
        return CancelOrder(event, draft.market, draft.emi)


class Opened:
    """A form in a window."""

    def __init__(self, bench: Bench, known: Draft | None = None) -> None:
        self.bench, self.saved = bench, Saved()
        terminal = bench.terminal
        self.form = terminal.actions.open_dialog(
            lambda root, theme, desk: BotForm(
                root, theme, desk, strategies=(TREND, PLAIN), save=self.saved, known=known
            )
        )
        bench.turn()

    def said(self, field: str) -> str:
        shown: Any = self.form.shown()
        return str(shown["said"][field])

    def ready(self) -> bool:
        return not self.form.save.instate(["disabled"])

    def type(self, field: str, text: str) -> None:
        """Replace the text of a field with the keyboard."""
        self.bench.click_on("bot_form", field)
        widget = self.form.parts()[field]
        widget.event_generate("<Control-a>")
        widget.event_generate("<BackSpace>")
        for letter in text:
            widget.event_generate("<KeyPress>", keysym=_KEYS.get(letter, letter))
        self.bench.turn()


_KEYS: Mapping[str, str] = {".": "period", " ": "space", "-": "minus", "_": "underscore"}


@pytest.fixture
def new(window: Bench) -> Opened:
    return Opened(window)


def test_a_new_bot_is_described_by_keys_and_sent_once(window: Bench, new: Opened) -> None:
    assert not new.ready()
    assert new.said("emi") == "an EMI must not be empty"
    new.type("emi", "trend1")
    assert new.said("emi") == ""
    assert new.ready()
    new.type("timeframe", "4h")
    new.type("capital", "25")
    assert new.said("capital") == "25 lots = 0.025 XBT, about 1710.300000 USDt"
    new.type("parameter fast", "20")
    window.click_on("bot_form", "parameter short")
    window.click_on("bot_form", "on_stop cancel")
    window.click_on("bot_form", "save")
    window.click_on("bot_form", "save")
    assert new.saved.drafts == [
        Draft(
            MARKET,
            "trend1",
            "XBTUSDT.linear",
            240,
            25,
            "trend:Trend",
            {"fast": "20", "stop": "0.015", "short": "false", "side": "both"},
            OnStop.CANCEL,
        )
    ]
    assert new.form.waiting
    window.answer(1)
    assert not new.form.winfo_exists()


def test_every_wrong_field_says_its_rule_and_nothing_can_be_sent(new: Opened) -> None:
    new.type("emi", "my bot")
    new.type("timeframe", "7")
    new.type("capital", "0")
    new.type("parameter stop", "0.5")
    assert "no blanks" in new.said("emi")
    assert new.said("timeframe") == "7 minutes do not divide a day: 6 or 8 do"
    assert new.said("capital") == "a whole number of lots, 1 or more"
    assert new.said("parameter stop") == "must be a number from 0.001 to 0.2"
    assert not new.ready()
    new.form.press()
    assert new.saved.drafts == []
    for field, text in (("emi", "mine"), ("timeframe", "6"), ("capital", "1")):
        new.type(field, text)
    assert not new.ready()
    new.type("parameter stop", "0.05")
    assert new.ready()


def test_a_name_that_is_taken_meanwhile_is_refused(window: Bench, new: Opened) -> None:
    new.type("emi", "late")
    assert new.ready()
    taken = replace(window.snapshot.robots[0], emi="LATE")
    window.change(robots=(*window.snapshot.robots, taken))
    assert "there is a bot LATE already" in new.said("emi")
    assert not new.ready()


def test_the_parameters_follow_the_strategy(new: Opened) -> None:
    assert set(new.form.parameters.widgets()) == set(DEFAULTS)
    new.form.strategy_text.set("plain:Plain")
    assert new.form.parameters.widgets() == {}
    assert new.said("strategy") == "Does nothing."
    new.form.strategy_text.set("trend:Trend")
    assert new.form.parameters.read() == DEFAULTS


def test_arrows_step_a_number_within_its_bounds(window: Bench, new: Opened) -> None:
    window.click_on("bot_form", "parameter fast")
    new.form.parts()["parameter fast"].event_generate("<Up>")
    window.turn()
    assert new.form.parameters.read() == {**DEFAULTS, "fast": "13"}


def test_a_known_bot_keeps_its_name_and_symbol_and_sends_only_a_difference(window: Bench) -> None:
    known = Draft(
        MARKET,
        "myBot",
        "XBTUSDT.linear",
        5,
        10,
        "trend:Trend",
        {**DEFAULTS, "fast": "33"},
        OnStop.LEAVE,
    )
    opened = Opened(window, known)
    assert opened.ready()
    assert opened.form.emi.widget.instate(["disabled"])
    assert opened.form.symbol.widget.instate(["disabled"])
    opened.form.press()
    assert opened.saved.drafts == []
    assert "nothing differs" in str(opened.form.message["text"])
    opened.type("parameter fast", "34")
    opened.form.press()
    assert opened.saved.drafts == [replace(known, parameters={**DEFAULTS, "fast": "34"})]


def test_a_refusal_stays_in_the_form(window: Bench, new: Opened) -> None:
    new.type("emi", "trend1")
    window.click_on("bot_form", "save")
    assert not new.ready()
    window.answer(1, refused=True, text="earlier rows of trend1 are in XBt")
    assert "earlier rows" in str(new.form.message["text"])
    assert new.ready()


def test_the_form_fits_the_smallest_screen(window: Bench, new: Opened) -> None:
    window.root.update()
    assert new.form.winfo_reqwidth() <= 1024
    assert new.form.winfo_reqheight() <= 600 - 40
