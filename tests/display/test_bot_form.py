"""The form of a bot: what stands beside each field while it is typed, and what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from common.domain.bot_form import BotForm
from common.domain.bots import OnStop
from common.domain.commands import SaveBot
from common.domain.parameters import Catalog, ParameterKind, ParameterSpec, StrategyInfo
from common.engine.snapshot import RobotRow
from display.bot_form import BotFormDialog
from tests.display.support import MARKET, XBTUSDT, Bench, robot_row

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
CATALOG = Catalog((TREND, PLAIN))
NAMES = {"fast", "stop", "short", "side"}


class Opened:
    """A form in a window."""

    def __init__(self, bench: Bench, known: RobotRow | None = None) -> None:
        self.bench = bench
        bench.change(catalog=CATALOG)
        if known is None:
            bench.click_on("new_bot")
        else:
            bench.terminal.bots.edit(known)
        bench.turn()
        (form,) = bench.terminal.actions.dialogs()
        assert isinstance(form, BotFormDialog)
        self.form = form

    @property
    def sent(self) -> list[SaveBot]:
        return [each for each in self.bench.sent if isinstance(each, SaveBot)]

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
    form = BotForm(
        *("trend1", XBTUSDT.symbol, 240, 25, "trend:Trend"),
        (("fast", "20"), ("short", "false")),
        OnStop.CANCEL,
    )
    assert new.sent == [SaveBot(1, MARKET, form, new=True)]
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
    assert new.sent == []
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
    assert set(new.form.fields.parameters.widgets()) == NAMES
    new.form.fields.strategy_text.set("plain:Plain")
    assert new.form.fields.parameters.widgets() == {}
    assert new.said("strategy") == "Does nothing."
    new.form.fields.strategy_text.set("trend:Trend")
    assert new.form.fields.parameters.read() == {}


def test_arrows_step_a_number_within_its_bounds(window: Bench, new: Opened) -> None:
    window.click_on("bot_form", "parameter fast")
    new.form.parts()["parameter fast"].event_generate("<Up>")
    window.turn()
    assert new.form.fields.parameters.read() == {"fast": "13"}


KNOWN = replace(
    robot_row("myBot"),
    strategy="trend:Trend",
    parameters=(("fast", "33"), ("side", "both")),
)


def test_a_known_bot_keeps_its_name_and_symbol_and_sends_only_a_difference(window: Bench) -> None:
    opened = Opened(window, KNOWN)
    assert opened.ready()
    assert opened.form.fields.emi.widget.instate(["disabled"])
    assert opened.form.fields.symbol.widget.instate(["disabled"])
    opened.form.press()
    assert opened.sent == []
    assert "nothing differs" in str(opened.form.message["text"])
    opened.type("parameter fast", "34")
    opened.form.press()
    form = BotForm("myBot", XBTUSDT.symbol, 5, 10, "trend:Trend", (("fast", "34"),))
    assert opened.sent == [SaveBot(1, MARKET, form, new=False)]


def test_a_strategy_that_is_not_found_now_keeps_its_parameters(window: Bench) -> None:
    opened = Opened(window, replace(KNOWN, strategy="gone:Gone"))
    assert "not found" in opened.said("strategy")
    opened.type("capital", "11")
    opened.form.press()
    (command,) = opened.sent
    assert (command.form.strategy, command.form.parameters) == (
        "gone:Gone",
        KNOWN.parameters,
    )


def test_a_bot_of_algo_init_may_stay_one(window: Bench) -> None:
    opened = Opened(window, robot_row("myBot"))
    assert "algo/init.py" in opened.said("strategy")
    opened.type("capital", "11")
    opened.form.press()
    (command,) = opened.sent
    assert command.form == BotForm("myBot", XBTUSDT.symbol, 5, 11)


def test_a_catalogue_that_comes_later_is_offered(window: Bench) -> None:
    window.click_on("new_bot")
    (form,) = window.terminal.actions.dialogs()
    assert isinstance(form, BotFormDialog)
    assert "offers no strategy" in form.fields.strategy.said
    window.change(catalog=CATALOG)
    assert form.fields.strategy_text.get() == "trend:Trend"
    assert set(form.fields.parameters.widgets()) == NAMES
    form.fields.parameters.widgets()["fast"].insert(0, "1")  # type: ignore[attr-defined]
    window.change(catalog=Catalog((TREND, PLAIN), ("bad.py: SyntaxError",)))
    assert form.fields.parameters.read() == {"fast": "112"}, "what was typed is lost"


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


def test_fields_stand_below_each_other_and_follow_the_theme(window: Bench, new: Opened) -> None:
    parts = new.form.parts()
    above, below = parts["strategy"], parts["parameter fast"]
    assert above.winfo_rootx() == below.winfo_rootx()
    assert above.winfo_width() == below.winfo_width()
    window.terminal.switch_theme()
    canvas = new.form.fields.parameters.children["!canvas"]
    assert canvas["background"] == window.terminal.theme.palette.panel


def test_hints_of_two_lines_are_not_cut_off(window: Bench) -> None:
    words = "ticks that both orders move for a full inventory"
    specs = tuple(
        ParameterSpec(name, ParameterKind.INTEGER, "4", "0", "10000", help=words)
        for name in ("spread", "skew", "lots")
    )
    form = Opened(window).form
    window.change(catalog=Catalog((StrategyInfo("maker:Maker", "Quotes.", specs, "maker.py"),)))
    form.fields.strategy_text.set("maker:Maker")
    window.turn()
    labels = [row.said for row in form.fields.parameters._rows]
    assert any(
        each.winfo_reqheight() > 1.5 * form.fields.emi._said.winfo_reqheight() for each in labels
    )
    bottom = (
        form.fields.parameters._canvas.winfo_rooty() + form.fields.parameters._canvas.winfo_height()
    )
    for label in labels:
        assert label.winfo_rooty() + label.winfo_height() <= bottom
