"""The set-up, run for real in a small program folder whose one package comes from a local file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.bootstrap_environment import interpreter_of
from tests.support.places import ROOT
from tests.support.processes import reap

_START = """
import sys
from common import bootstrap
bootstrap.enter(bootstrap.RUNTIME)
import tmatic_probe
print(sys.prefix, tmatic_probe.VERSION, *sys.argv[1:])
"""


@dataclass
class Program:
    """A program folder with the set-up in it; its package index is a folder beside it."""

    folder: Path

    @property
    def environment(self) -> Path:
        return self.folder / ".venv"

    @property
    def stamp(self) -> Path:
        return self.environment / ".tmatic-runtime"

    def require(self, text: str) -> None:
        (self.folder / "requirements.txt").write_text(text, encoding="utf-8")

    def begin(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start the program and leave it running; `settings` are environment variables."""
        index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.folder.parent / "wheels")}
        pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_CONSTRAINT": "", **index}
        return subprocess.Popen(
            [sys.executable, "start.py", *arguments],
            cwd=self.folder,
            env={**os.environ, **pip, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def start(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        """Run the program; return its exit code, its output and what the set-up said."""
        with self.begin(*arguments, **settings) as process:
            output, said = process.communicate(timeout=120)
        return process.returncode, output.strip(), said


def _write_wheel(folder: Path, version: str) -> None:
    folder.mkdir(exist_ok=True)
    record = f"tmatic_probe-{version}.dist-info"
    with zipfile.ZipFile(folder / f"tmatic_probe-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tmatic_probe.py", f"VERSION = {version!r}\n")
        wheel.writestr(
            f"{record}/METADATA", f"Metadata-Version: 2.1\nName: tmatic-probe\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{record}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{record}/RECORD", "")


def _lay_out(folder: Path) -> Program:
    for version in ("1.0", "1.5"):
        _write_wheel(folder / "wheels", version)
    program = Program(folder / "program")
    (program.folder / "common").mkdir(parents=True)
    for source in (ROOT / "common").glob("bootstrap*.py"):
        shutil.copy(source, program.folder / "common")
    (program.folder / "common" / "__init__.py").touch()
    (program.folder / "start.py").write_text(_START, encoding="utf-8")
    program.require("# the one package\ntmatic-probe>=1.0,<1.2\n")
    return program


@pytest.fixture
def bare(tmp_path: Path) -> Program:
    """Return a program that was never started."""
    return _lay_out(tmp_path)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, tuple[int, str, str]]:
    """Return a program that was started once, and what its first start gave."""
    program = _lay_out(tmp_path_factory.mktemp("once"))
    return program, program.start("--a", "b c")


@pytest.fixture
def program(original: tuple[Program, tuple[int, str, str]], tmp_path: Path) -> Iterator[Program]:
    """Return a program that is set up, to be damaged by the test."""
    shutil.copytree(original[0].folder.parent, tmp_path / "copy", symlinks=True)
    yield Program(tmp_path / "copy" / "program")


def test_the_first_start_makes_the_environment_and_goes_on_in_it(
    original: tuple[Program, tuple[int, str, str]],
) -> None:
    program, (code, output, said) = original
    assert (code, output) == (0, f"{program.environment} 1.0 --a b c"), said
    assert "Making the environment .venv" in said
    assert program.stamp.read_text(encoding="utf-8").endswith("tmatic-probe>=1.0,<1.2\n")


def test_the_second_start_says_nothing_and_adds_less_than_a_third_of_a_second(
    program: Program,
) -> None:
    def seconds(command: list[str]) -> float:
        begun = time.perf_counter()
        subprocess.run(command, cwd=program.folder, check=True, capture_output=True)
        return time.perf_counter() - begun

    assert program.start("again") == (0, f"{program.environment} 1.0 again", "")
    bare_python: list[float] = []
    with_set_up: list[float] = []
    for _ in range(12):  # the quickest of each: a busy machine only ever adds to it
        bare_python.append(seconds([sys.executable, "-c", "pass"]))
        with_set_up.append(seconds([sys.executable, "start.py"]))
        if min(with_set_up) - min(bare_python) < 0.3:
            break
    assert min(with_set_up) - min(bare_python) < 0.3


def test_an_environment_without_its_stamp_is_made_anew(program: Program) -> None:
    program.stamp.unlink()
    (program.environment / "left over").touch()
    code, output, said = program.start()
    assert (code, output) == (0, f"{program.environment} 1.0")
    assert "Making the environment" in said
    assert not (program.environment / "left over").exists()


def test_an_environment_of_another_python_is_made_anew(program: Program) -> None:
    text = program.stamp.read_text(encoding="utf-8")
    program.stamp.write_text(text.replace("Python 3.", "Python 2.", 1), encoding="utf-8")
    (program.environment / "left over").touch()
    assert program.start()[0] == 0
    assert not (program.environment / "left over").exists()
    assert program.stamp.read_text(encoding="utf-8") == text


def test_changed_requirements_are_installed_into_the_sound_environment(program: Program) -> None:
    (program.environment / "kept").touch()
    program.require("tmatic-probe>=1.5\n")
    code, output, said = program.start()
    assert (code, output) == (0, f"{program.environment} 1.5")
    assert "up to date" in said
    assert (program.environment / "kept").exists()


def test_a_package_that_vanished_from_a_stamped_environment_is_mended(program: Program) -> None:
    for part in program.environment.rglob("tmatic_probe*"):
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    code, output, said = program.start("--x")
    assert (code, output) == (0, f"{program.environment} 1.0 --x")
    assert "lacks tmatic-probe" in said


def test_two_first_starts_at_once_make_one_environment(bare: Program) -> None:
    both = [bare.begin(name) for name in ("one", "two")]
    outcomes = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outcomes
    assert sum("Making the environment" in said for _, said in outcomes) == 1
    assert sum("Another start" in said for _, said in outcomes) == 1


def test_a_first_start_that_was_killed_is_made_good_by_the_next(bare: Program) -> None:
    victim = bare.begin()
    assert victim.stderr is not None
    while "creating" not in victim.stderr.readline():
        assert victim.poll() is None
    victim.kill()
    reap(victim)
    code, output, said = bare.start()
    assert (code, output) == (0, f"{bare.environment} 1.0"), said


def test_without_a_package_index_a_sentence_and_a_code_say_so(program: Program) -> None:
    program.require("tmatic-probe>=1.1\n")
    code, output, said = program.start(
        PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_INDEX_URL="http://127.0.0.1:9/simple"
    )
    assert (code, output) == (1, "")
    assert "out of reach" in said
    assert "127.0.0.1" not in said
    assert "Traceback" not in said
    assert not program.stamp.exists()


def test_a_package_that_does_not_exist_is_named_without_any_address(program: Program) -> None:
    program.require("tmatic-phantom>=9.0\n")
    code, _, said = program.start()
    assert code == 1
    assert "No matching distribution found for tmatic-phantom" in said
    assert str(program.folder.parent / "wheels") not in said


def test_a_missing_requirements_file_is_named(bare: Program) -> None:
    (bare.folder / "requirements.txt").unlink()
    code, _, said = bare.start()
    assert code == 1
    assert "requirements.txt cannot be read" in said
    assert "Traceback" not in said


def test_where_the_packages_are_importable_nothing_is_created(bare: Program) -> None:
    packages = bare.folder.parent / "packages"
    with zipfile.ZipFile(next((bare.folder.parent / "wheels").glob("*1.0*"))) as wheel:
        wheel.extractall(packages)
    code, output, said = bare.start(PYTHONPATH=str(packages))
    assert (code, output, said) == (0, f"{sys.prefix} 1.0", "")
    assert not bare.environment.exists()


def test_an_older_package_that_hides_the_environments_is_named(program: Program) -> None:
    packages = program.folder.parent / "packages"
    with zipfile.ZipFile(next((program.folder.parent / "wheels").glob("*1.0*"))) as wheel:
        wheel.extractall(packages)
    program.require("tmatic-probe>=1.5\n")
    code, _, said = program.start(PYTHONPATH=str(packages))
    assert code == 1
    assert said.splitlines()[-1] == (
        "The variable PYTHONPATH puts an older tmatic-probe before the one in .venv; "
        "start without that variable."
    )
    assert program.stamp.exists(), "the environment is not to blame"


def test_every_environment_has_its_interpreter_in_the_program_folder() -> None:
    from common.bootstrap import CLIENTS, DEV, RUNTIME  # noqa: PLC0415 -- beside its only use

    assert interpreter_of(RUNTIME) == interpreter_of(DEV)
    assert ROOT in interpreter_of(CLIENTS).parents
