"""What only the operating system can supply: venv, tkinter, and the servers that tests run.

On Debian and its kin, as root, missing packages are installed without asking; elsewhere the line to
run is told. None of these packages brings a service that would start by itself.

Part of the set-up: see `common.bootstrap` for the rules about old Pythons.
"""

import importlib
import os
import re
import shutil
import subprocess
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


def require_venv() -> None:
    """See to it that this Python can make environments. Raises SetupError."""
    if find_spec("ensurepip") is None:
        _supply(["venv"], versioned="python{}.{}-venv")


def require_tkinter() -> None:
    """See to it that this Python has tkinter. Raises SetupError."""
    if find_spec("_tkinter") is not None:
        return
    if not _of_the_system():
        raise SetupError(
            f"This Python ({sys.executable}) was built without tkinter, which the window needs. "
            f"Start with a Python that has it{_system_python_hint()}; "
            "or add Tk's development files (tk-dev, tk-devel) and build this Python again."
        )
    _supply(["tkinter"], versioned="python{}.{}-tk")


def require_tools() -> None:
    """See to it that the programs which tests run are there: Xvfb, xdotool, a font, MariaDB.

    Windows and macOS draw windows without X: there the tests that need Xvfb cannot pass, which is
    said, and the rest can. Raises SetupError where something is missing that can be installed.
    """
    absent = missing_tools()
    if absent and sys.platform == "win32":
        say(f"Missing on this system: {', '.join(absent)}. The tests that need them fail here;")
        say("run them in WSL: wsl --install -d Debian, and then python3 -m tests inside it")
        return
    if sys.platform == "darwin":
        unavailable = [need for need in absent if "brew" not in _PACKAGES[need]]
        absent = [need for need in absent if need not in unavailable]
        if unavailable:
            say(f"Not to be had on macOS: {', '.join(unavailable)}. The tests that need them fail")
            say("here; run them on Linux, for example: docker run -it -v .:/tmatic -w /tmatic")
            say("python:3 python3 -m tests")
    if absent:
        _supply(absent)


def missing_tools() -> "list[str]":
    """Return what tests need and this system lacks."""
    programs = {
        "Xvfb": ["Xvfb"],
        "xdotool": ["xdotool"],
        "MariaDB": ["mariadbd", "mariadb-install-db"],
    }
    absent = [need for need, names in programs.items() if not all(_program(name) for name in names)]
    if sys.platform.startswith("linux") and not _has_font():
        absent.append("a font")
    return absent


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


def _supply(needs: "list[str]", versioned: str = "") -> None:
    """Install the packages that bring `needs`, or raise SetupError with the line to run.

    `versioned` is the name of Debian's package for a Python other than the system's default one.
    """
    manager = _package_manager()
    if not manager:
        raise SetupError(
            f"Missing on this system: {', '.join(needs)}. Install it with the system's package "
            "manager and start again."
        )
    packages = " ".join(_PACKAGES[need].get(manager, "") for need in needs).split()
    if versioned and manager == "apt-get" and not _is_default_python():
        packages = [versioned.format(*sys.version_info[:2])]
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


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _of_the_system() -> bool:
    """Tell whether this Python came with the system's package manager."""
    if sys.platform == "darwin":
        return "Cellar" in sys.base_prefix or "homebrew" in sys.base_prefix
    return sys.base_prefix == "/usr"


def _is_default_python() -> bool:
    """Tell whether this is the Python that Debian's unversioned python3-* packages are for."""
    default = Path("/usr/bin/python3")
    return default.exists() and default.resolve().name == "python{}.{}".format(*sys.version_info)


def _system_python_hint() -> str:
    if Path("/usr/bin/python3").exists() and _program("apt-get"):
        return ": /usr/bin/python3, with apt-get install python3-tk"
    return ""
