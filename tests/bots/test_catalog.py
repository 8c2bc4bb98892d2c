"""The strategies that a folder offers, read by a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bots import catalog
from bots.process import output_of
from common.domain.parameters import Catalog
from tests.bots.terminal import terminal, view, write_algo
from tests.support.places import ROOT
from tests.support.processes import alive
from tests.support.waiting import wait_until

GOOD = '''
from bots.api import Parameter, Strategy, parameters

class Trend(Strategy):
    """Follow the trend."""
    period = Parameter(20, low=2, high=500, help="bars")
    side = Parameter("both", choices=("both", "long"))

@parameters(PERIOD=Parameter(10))
def dip(robot, frame, ticker, instrument):
    """Buy a dip."""

def helper(price):
    print("not a strategy")

class _Base(Strategy):
    pass
'''


def read(folder: Path) -> Catalog:
    return catalog.decode(output_of("bots.catalog", str(folder), 60.0))


def test_classes_and_functions_are_found_with_their_parameters(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    found = read(tmp_path)
    assert [(s.name, s.title, s.file) for s in found.strategies] == [
        ("good:Trend", "Follow the trend.", "good.py"),
        ("good:dip", "Buy a dip.", "good.py"),
    ]
    trend, dip = found.strategies
    assert [(p.name, p.default, p.low, p.high, p.help) for p in trend.parameters] == [
        ("period", "20", "2", "500", "bars"),
        ("side", "both", "", "", ""),
    ]
    assert trend.parameters[1].choices == ("both", "long")
    assert [p.name for p in dip.parameters] == ["PERIOD"]
    assert found.problems == ()


def test_a_strategy_is_named_where_it_is_defined_not_where_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "other.py").write_text("from algo.good import Trend, dip\n", encoding="utf-8")
    assert {s.file for s in read(tmp_path).strategies} == {"good.py"}


def test_files_that_cannot_be_imported_are_told_and_the_others_found(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def algo(:\n", encoding="utf-8")
    (tmp_path / "exits.py").write_text(
        "import sys\nprint('noise')\nsys.exit(3)\n", encoding="utf-8"
    )
    found = read(tmp_path)
    assert len(found.strategies) == 2
    broken, exits = found.problems
    assert broken.startswith("broken.py: SyntaxError")
    assert exits.startswith("exits.py: SystemExit: 3")


def test_a_module_that_ends_the_process_is_told(tmp_path: Path) -> None:
    folder = write_algo(tmp_path, "")
    (folder / "ends.py").write_text("import os\nos._exit(1)\n", encoding="utf-8")
    with terminal(folder) as desk:
        desk.load(view("one"))
        desk.wait_catalog(lambda found: bool(found.problems))
        assert desk.catalogs[-1].problems == (
            "the strategies cannot be listed: importing them ended the process",
        )


def test_a_saved_strategy_appears_in_the_catalog(tmp_path: Path) -> None:
    folder = write_algo(tmp_path, "")
    with terminal(folder) as desk:
        desk.load(view("one"))
        desk.wait_catalog(lambda found: len(found.strategies) == 1)
        (folder / "good.py").write_text(GOOD, encoding="utf-8")
        desk.wait_catalog(lambda found: len(found.strategies) == 3)


def test_what_was_encoded_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    found = read(tmp_path)
    assert catalog.decode(catalog.encode(found)) == found


def test_an_import_that_never_ends_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text("while True:\n    pass\n", encoding="utf-8")
    with pytest.raises(TimeoutError):
        output_of("bots.catalog", str(tmp_path), 0.5)


def test_an_import_that_never_ends_goes_with_the_terminal(tmp_path: Path) -> None:
    began = tmp_path / "pid"
    (tmp_path / "loop.py").write_text(
        "import os\nfrom pathlib import Path\n"
        f"Path({str(began)!r}).write_text(str(os.getpid()))\n"
        "while True:\n    pass\n",
        encoding="utf-8",
    )
    code = f"from bots.process import output_of; output_of('bots.catalog', {str(tmp_path)!r}, 60)"
    asking = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        wait_until(lambda: began.exists() and began.read_text(), 20, "the import to begin")
    finally:
        asking.kill()
        asking.wait()
    pid = int(began.read_text(encoding="utf-8"))
    try:
        wait_until(lambda: not alive(pid), 20, "the import to end")
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGTERM)
