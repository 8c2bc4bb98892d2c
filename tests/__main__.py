"""`python3 -m tests [--only-pytest] [pytest arguments]`: set up what tests need, run all checks.

The checks are ruff (rules and formatting), mypy and pytest; each ends with a line saying how it
went, and the exit code is not 0 when any of them failed. Arguments go to pytest.
"""

import shlex
import subprocess
import sys
import time

from common import bootstrap
from common.bootstrap_environment import ROOT

CHECKS = {
    "ruff check": ["ruff", "check", "--quiet", "."],
    "ruff format": ["ruff", "format", "--check", "--quiet", "."],
    "mypy": ["mypy", "."],
}
ONLY_PYTEST = "--only-pytest"


def main(arguments: "list[str]") -> int:
    """Run the checks; return 0 when all passed, else the worst of their exit codes."""
    bootstrap.enter(bootstrap.DEV, window=True, tools=True)
    with bootstrap.sentences():
        bootstrap.prepare(bootstrap.CLIENTS)
    checks = {} if ONLY_PYTEST in arguments else CHECKS
    codes = {name: _quietly(name, command) for name, command in checks.items()}
    codes["pytest"] = _pytest([word for word in arguments if word != ONLY_PYTEST])
    failed = [name for name, code in codes.items() if code != 0]
    print(f"Failed: {', '.join(failed)}" if failed else "All checks passed.", flush=True)
    return max(codes.values(), key=abs)


def _quietly(name: str, command: "list[str]") -> int:
    """Run a check, show what it says only when it fails, and close with a line."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout.rstrip())
    _close(name, done.returncode, start)
    return done.returncode


def _pytest(arguments: "list[str]") -> int:
    start = time.monotonic()
    # As quiet as a green run deserves, unless the caller chose otherwise.
    words = arguments or ["-q"]
    code = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, check=False
    ).returncode
    _close(f"pytest {shlex.join(arguments)}".rstrip(), code, start)
    return code


def _close(name: str, code: int, start: float) -> None:
    result = "ok" if code == 0 else f"FAILED (exit code {code})"
    print(f"{name:<12} {result}  {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
