"""What only the operating system can supply: venv, tkinter, and the servers that tests run.

On Debian and its kin, as root, missing packages are installed without asking; elsewhere the line to
run is told. None of these packages brings a service that would start by itself.

Part of the set-up: see `common.bootstrap` for the rules about old Pythons.
"""

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path


class SetupError(Exception):
    """The set-up cannot be completed; the text says why and what to do."""


# What is needed -> package manager -> the packages that bring it.
_PACKAGES: "Mapping[str, Mapping[str, str]]" = {
    "venv": {"apt-get": "python3-venv"},  # the others ship it with Python
    "tkinter": {
        "apt-get": "python3-tk",
        "dnf": "python3-tkinter",
        "pacman": "tk",
        "zypper": "python3-tk",
        "brew": "python-tk",
    },
    "Xvfb": {
        "apt-get": "xvfb",
        "dnf": "xorg-x11-server-Xvfb",
        "pacman": "xorg-server-xvfb",
        "zypper": "xorg-x11-server-Xvfb",
    },
    "xdotool": {"apt-get": "xdotool", "dnf": "xdotool", "pacman": "xdotool", "zypper": "xdotool"},
    "a font": {
        "apt-get": "fonts-dejavu-core",
        "dnf": "dejavu-sans-fonts",
        "pacman": "ttf-dejavu",
        "zypper": "dejavu-fonts",
    },
    "MariaDB": {
        "apt-get": "mariadb-server-core mariadb-client-core",
        "dnf": "mariadb-server mariadb",
        "pacman": "mariadb",
        "zypper": "mariadb mariadb-client",
        "brew": "mariadb",
    },
}

# Debian's packages for a Python other than the one that its unversioned packages are for.
_OF_ONE_PYTHON = {"venv": "python{}.{}-venv", "tkinter": "python{}.{}-tk"}

_COMMANDS = {
    "apt-get": "apt-get install -y",
    "dnf": "dnf install -y",
    "pacman": "pacman -S --needed",
    "zypper": "zypper install",
    "brew": "brew install",
}

# Debian keeps servers out of a plain user's PATH, macOS the programs of Homebrew.
_MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"]


def say(text: str) -> None:
    """Tell the user something; on the error stream, since standard output is the program's."""
    print(text, file=sys.stderr, flush=True)


def require(venv: bool = False, window: bool = False, tools: bool = False) -> None:
    """See to it that the system supplies what is asked for. Raises SetupError.

    `venv`: this Python can make environments. `window`: it has tkinter. `tools`: the programs that
    tests run are there (Xvfb, xdotool, a font, MariaDB).
    """
    needs = []
    if venv and find_spec("ensurepip") is None:
        needs.append("venv")
    if window and find_spec("_tkinter") is None:
        needs.append("tkinter")
    if needs and not _of_the_system():
        raise SetupError(
            f"This Python ({sys.executable}) was built without {' and '.join(needs)}. "
            f"Start with a Python that has it{_system_python_hint()}; or build this one again "
            "(for tkinter after installing Tk's development files, tk-dev or tk-devel)."
        )
    if tools:
        needs += _obtainable(missing_tools())
    if needs:
        _supply(needs)


def missing_tools() -> "list[str]":
    """Return what tests need and this system lacks."""
    programs = {
        "Xvfb": ["Xvfb"],
        "xdotool": ["xdotool"],
        "MariaDB": ["mariadbd", "mariadb-install-db"],
    }
    absent = [need for need, names in programs.items() if not all(_program(name) for name in names)]
    if _is_linux() and not _has_font():
        absent.append("a font")
    return absent


def _obtainable(absent: "list[str]") -> "list[str]":
    """Return what a package manager of this system can bring; say what to do about the rest.

    Windows and macOS draw windows without X, so the tests that need Xvfb cannot pass there.
    """
    if _is_linux():
        return absent
    never = [need for need in absent if sys.platform == "win32" or "brew" not in _PACKAGES[need]]
    if never:
        say(f"Not to be had on this system: {', '.join(never)}. The tests that need them will fail")
        say("here and pass on Linux, for example in WSL (wsl --install) or in a container.")
    return [need for need in absent if need not in never]


def run(
    command: "list[str]",
    folder: Path,
    keep: "Iterable[int]" = (),
    follow: "Callable[[str], None]" = lambda line: None,
    environment: "Mapping[str, str]" = {},  # noqa: B006 -- only read
) -> "tuple[int, list[str]]":
    """Run a command; return its exit code and what it wrote, line by line.

    `follow` sees each line as it comes; `keep` are file descriptors that the command inherits.
    """
    import subprocess  # noqa: PLC0415 -- costs every start, serves the first one

    lines = []
    with subprocess.Popen(
        command,
        cwd=str(folder),
        env={**os.environ, "PIP_USER": "0", "PYTHONIOENCODING": "utf-8", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        pass_fds=() if sys.platform == "win32" else tuple(keep),
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            lines.append(line.rstrip())
            follow(lines[-1])
    return child.returncode, lines


def last_words(lines: "list[str]") -> str:
    """Return the errors among a program's lines (else its last ones), without any address."""
    errors = [line for line in lines if re.match(r"(ERROR|E|Error)\s*:", line)] or lines[-3:]
    text = re.sub(r"\w+://\S+|host='[^']*'", "(address)", "\n  ".join(errors[-3:]))
    return "\n  " + text if text else ""


def _supply(needs: "list[str]") -> None:
    """Install the packages that bring `needs`, or raise SetupError with the line to run."""
    manager = _package_manager()
    if not manager:
        raise SetupError(
            f"Missing on this system: {', '.join(needs)}. Install it with the system's package "
            "manager and start again."
        )
    packages = " ".join(_package(need, manager) for need in needs).split()
    if not packages:
        raise SetupError(f"This Python ({sys.executable}) lacks {', '.join(needs)}: reinstall it.")
    line = " ".join([_COMMANDS[manager], *packages])
    if manager != "apt-get" or not _is_root():
        sudo = "" if manager == "brew" or _is_root() else "sudo "
        raise SetupError(
            f"Missing: {', '.join(needs)}. Run this, then start again:\n  {sudo}{line}"
        )
    say(f"Installing system packages: {' '.join(packages)}")
    _apt_install(packages, line)
    importlib.invalidate_caches()


def _package(need: str, manager: str) -> str:
    if manager == "apt-get" and need in _OF_ONE_PYTHON and not _is_default_python():
        return _OF_ONE_PYTHON[need].format(*sys.version_info)
    return _PACKAGES[need].get(manager, "")


def _apt_install(packages: "list[str]", line: str) -> None:
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    # A failed update is no failure yet: the lists at hand may do.
    run([*command, "update"], Path("/"), environment=quiet)
    install = [*command, "install", "-y", "--no-install-recommends", *packages]
    code, lines = run(install, Path("/"), environment=quiet)
    if code != 0:
        raise SetupError(
            f"The system packages cannot be installed.{last_words(lines)}\n"
            f"Run this, then start again:\n  {line}"
        )


def _package_manager() -> str:
    """Return the name of this system's package manager, or ""."""
    return next((name for name in _COMMANDS if _program(name)), "")


def _program(name: str) -> "str | None":
    import shutil  # noqa: PLC0415 -- costs every start, serves the first one

    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *_MORE_FOLDERS]))


def _has_font() -> bool:
    """Tell whether an outline font lies where the X libraries look for fonts."""
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"]
    return any(
        next(folder.rglob(f"*.{kind}"), None) is not None
        for folder in folders
        if folder.is_dir()
        for kind in ("ttf", "otf", "pfb")
    )


def _is_linux() -> bool:
    return sys.platform.startswith("linux")


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _of_the_system() -> bool:
    """Tell whether this Python came with the system's package manager (on macOS: Homebrew)."""
    return sys.base_prefix == "/usr" or "Cellar" in sys.base_prefix or "brew" in sys.base_prefix


def _is_default_python() -> bool:
    """Tell whether this is the Python that Debian's unversioned python3-* packages are for."""
    default = Path("/usr/bin/python3")
    return default.exists() and default.resolve().name == "python{}.{}".format(*sys.version_info)


def _system_python_hint() -> str:
    if Path("/usr/bin/python3").exists() and _program("apt-get"):
        return ": /usr/bin/python3, with apt-get install python3-tk"
    return ""
