"""The way from nothing to a first bot, as docs/bots.md tells it, followed to the letter."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.processes import end
from tests.support.waiting import wait_until

PATIENCE = 150.0  # seconds; a bar ends within one minute, and the machine may be busy
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"into the file `([^`]+)`")


def section() -> str:
    """Return the text of the page's section."""
    page = (ROOT / "docs" / "bots.md").read_text(encoding="utf-8")
    title = "## From nothing to a first bot in ten minutes\n"
    return page.split(title, 1)[1].split("\n## ", 1)[0]


class Reader:
    """Does what the page says; only `mine` is put elsewhere, and python3 is this one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "mine"
        text = section()
        blocks = [(kind, _outdented(body)) for kind, body in BLOCK.findall(text)]
        self._commands = [body for kind, body in blocks if not kind]
        (self._code,) = [body for kind, body in blocks if kind == "python"]
        (self._file,) = FILE.findall(text)

    def command(self, option: str) -> list[str]:
        """Return the page's command with an option."""
        (line,) = [each for each in self._commands if option in each]
        words = shlex.split(line)
        assert words[0] == "python3"
        return [sys.executable, *(self._placed(word) for word in words[1:])]

    def run(self, option: str) -> str:
        """Run the command with an option to its end; return what it said."""
        done = subprocess.run(
            self.command(option),
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self) -> None:
        """Write the strategy where the page says."""
        path = Path(self._placed(self._file))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._code, encoding="utf-8")

    def log(self) -> str:
        """Return the bot's log so far."""
        path = self._folder / "logs" / "bots" / "firstBot.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _placed(self, word: str) -> str:
        return re.sub(r"^mine\b", self._folder.as_posix(), word)


def _outdented(text: str) -> str:
    lines = text.splitlines()
    depth = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[depth:] for line in lines) + "\n"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    yield Reader(tmp_path)


def test_following_the_page_leads_to_a_bot_that_trades(reader: Reader) -> None:
    assert "firstBot trades XBTUSDT.linear" in reader.run("--add-bot")
    reader.write()
    terminal = subprocess.Popen(
        reader.command("--headless"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    said: list[str] = []
    assert terminal.stdout is not None
    lines = terminal.stdout
    listener = threading.Thread(target=lambda: said.extend(lines), daemon=True)
    listener.start()
    try:
        wait_until(
            lambda: re.search(r"(Buy|Sell) \d+ at [\d.]+, now -?\d+", reader.log()) is not None,
            PATIENCE,
            "a fill of the bot",
        )
        terminal.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
        assert terminal.wait(30) == 0
    finally:
        end(terminal)
        listener.join(10)
        print("".join(said[-40:]), reader.log())  # shown when the test fails
    assert "firstBot" in reader.run("--report")
    assert re.search(r"trades\D+[1-9]", reader.run("--backtest"), re.IGNORECASE)


def test_the_pages_code_and_the_examples_of_classes_are_typed_to_the_end(
    tmp_path: Path, reader: Reader
) -> None:
    reader.write()
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from bots.api import Bot, Parameter, Strategy\n\n"
        "class Wrong(Strategy):\n"
        "    period = Parameter(3)\n\n"
        "    def on_bar(self, bot: Bot) -> None:\n"
        "        bot.buy(self.period, 'high')\n"
        "        bot.sel(self.period, 1.0)\n",
        encoding="utf-8",
    )
    examples = [f"algo/{name}.py" for name in ("reversion", "market_maker", "trend")]
    assert mypy(str(tmp_path / "mine" / "algo" / "first.py"), *examples) == ""
    told = mypy(str(wrong))  # so an editor knows the types, too
    assert 'Argument 2 to "buy" of "Bot"' in told
    assert '"Bot" has no attribute "sel"' in told


def mypy(*files: str) -> str:
    """Return what mypy finds fault with."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *files]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=False
    )
    assert done.stderr == ""
    return done.stdout
