"""Rules of the set-up that need no environment: old Pythons, system packages, child processes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from common import bootstrap, bootstrap_system
from tests.support.places import ROOT

# What Python reads before the set-up has had its say.
_FIRST_READ = [
    "main.py",
    "common/command_line.py",
    "api/__init__.py",
    "api/simulator/__init__.py",
    "api/simulator/__main__.py",
    "common/__init__.py",
    "common/bootstrap.py",
    "common/bootstrap_environment.py",
    "common/bootstrap_system.py",
    "tests/__init__.py",
    "tests/__main__.py",
    "tests/bench/__init__.py",
    "tests/bench/__main__.py",
]


@pytest.mark.parametrize("name", _FIRST_READ)
def test_entry_files_are_readable_for_old_pythons(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    ast.parse(source, name, feature_version=(3, 7))


def test_an_old_python_is_told_which_one_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    with pytest.raises(SystemExit) as ended:
        bootstrap.enter(bootstrap.RUNTIME)
    assert ended.value.code == 2
    assert "needs Python 3.10 or newer; this is Python 3.9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("older", "newer"), [("1.9", "1.10"), ("2", "2.0.1"), ("1.2.0.20240101", "1.2.1")]
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert bootstrap._release(older) < bootstrap._release(newer)


def test_trailing_zeros_make_no_version_newer() -> None:
    assert bootstrap._release("3") == bootstrap._release("3.0.0")


def test_a_child_process_hands_back_its_exit_code() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit(int(sys.argv[1]))", "7"]
    assert bootstrap._run_as_child(command) == 7


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return the traits of a made-up Linux system; commands are recorded, not run."""
    traits: dict[str, object] = {"programs": [], "root": False, "modules": [], "commands": []}

    def run(command: list[str], folder: Path, **options: object) -> tuple[int, list[str]]:
        commands = traits["commands"]
        assert isinstance(commands, list)
        commands.append(" ".join(command))
        code = traits.get("code", 0)
        assert isinstance(code, int)
        return code, ["Get:1 http://mirror.test/debian", "E: Unable to fetch http://mirror.test/x"]

    def has(key: str, name: str) -> bool:
        present = traits[key]
        assert isinstance(present, Sequence)
        return name in present

    monkeypatch.setattr(bootstrap_system, "_is_linux", lambda: True)
    monkeypatch.setattr(bootstrap_system, "_of_the_system", lambda: traits.get("system", True))
    monkeypatch.setattr(bootstrap_system, "_is_default_python", lambda: traits.get("default", True))
    monkeypatch.setattr(bootstrap_system, "_has_font", lambda: False)
    monkeypatch.setattr(bootstrap_system, "_is_root", lambda: traits["root"])
    monkeypatch.setattr(
        bootstrap_system, "_program", lambda name: name if has("programs", name) else None
    )
    monkeypatch.setattr(
        bootstrap_system, "find_spec", lambda name: name if has("modules", name) else None
    )
    monkeypatch.setattr(bootstrap_system, "run", run)
    return traits


_EVERYTHING = (
    "python3-venv python3-tk xvfb xdotool mariadb-server-core mariadb-client-core fonts-dejavu-core"
)


def _require_everything() -> None:
    bootstrap_system.require(venv=True, window=True, tools=True)


@pytest.mark.parametrize(
    ("manager", "line"),
    [
        ("apt-get", f"  sudo apt-get install -y {_EVERYTHING}"),
        (
            "dnf",
            "  sudo dnf install -y python3-tkinter xorg-x11-server-Xvfb xdotool"
            " mariadb-server mariadb dejavu-sans-fonts",
        ),
        ("pacman", "  sudo pacman -S --needed tk xorg-server-xvfb xdotool mariadb ttf-dejavu"),
    ],
)
def test_without_the_right_to_install_the_exact_line_is_told(
    machine: dict[str, object], manager: str, line: str
) -> None:
    machine["programs"] = [manager]
    with pytest.raises(bootstrap_system.SetupError) as refused:
        _require_everything()
    assert str(refused.value).splitlines()[-1] == line
    assert machine["commands"] == []


def test_root_on_debian_installs_everything_in_one_go(machine: dict[str, object]) -> None:
    machine.update(programs=["apt-get"], root=True)
    _require_everything()
    update, install = machine["commands"] if isinstance(machine["commands"], list) else ("", "")
    assert update.endswith(" update")
    assert install.endswith(f" install -y --no-install-recommends {_EVERYTHING}")


def test_a_python_beside_the_default_one_gets_its_own_packages(machine: dict[str, object]) -> None:
    machine.update(programs=["apt-get"], default=False)
    with pytest.raises(bootstrap_system.SetupError) as refused:
        bootstrap_system.require(venv=True, window=True)
    version = "python{}.{}".format(*sys.version_info)
    assert f"apt-get install -y {version}-venv {version}-tk" in str(refused.value)


def test_a_failed_installation_tells_the_line_and_no_address(machine: dict[str, object]) -> None:
    machine.update(programs=["apt-get"], root=True, code=100)
    with pytest.raises(bootstrap_system.SetupError) as refused:
        bootstrap_system.require(window=True)
    assert "Unable to fetch (address)" in str(refused.value)
    assert "mirror.test" not in str(refused.value)
    assert str(refused.value).endswith("apt-get install -y python3-tk")


def test_a_python_built_without_tkinter_is_named_with_the_remedy(
    machine: dict[str, object],
) -> None:
    machine.update(programs=["apt-get"], root=True, system=False)
    with pytest.raises(bootstrap_system.SetupError, match="built without tkinter") as refused:
        bootstrap_system.require(window=True)
    assert sys.executable in str(refused.value)
    assert machine["commands"] == []


def test_nothing_is_asked_of_a_system_that_has_everything(machine: dict[str, object]) -> None:
    machine.update(modules=["ensurepip", "_tkinter"])
    bootstrap_system.require(venv=True, window=True)
    assert machine["commands"] == []
