"""Starting `main.py` with good and bad profiles, as a user does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from api.simulator.child import EmbeddedExchange
from tests.support.places import ROOT
from tests.support.profiles import demo_access, write_profile
from tests.support.program import run_program, start_program

_PATIENCE = 60.0  # seconds


def start(profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the terminal to its end, without a display."""
    blind = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    return run_program(profile, *arguments, env=blind)


def refusal(profile: Path, changes: Mapping[str, str | None]) -> str:
    """Return what the terminal says of wrong settings."""
    ended = start(write_profile(profile, changes), "--headless")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.stderr


def test_malformed_settings_end_the_start_with_a_sentence_for_each(tmp_path: Path) -> None:
    told = refusal(tmp_path, {"TESTNET": "true", "REFRESH_RATE": "0", "CURRENCIES": None})
    for sentence in (
        f'{tmp_path / ".env"}, line 4: TESTNET must be exactly "True" or "False"',
        f"{tmp_path / '.env'}, line 3: REFRESH_RATE must be a whole number from 1 to 10",
        f"{tmp_path / '.env.Bitmex'}: CURRENCIES is missing",
    ):
        assert sentence in told


def test_p12_settings_that_the_exchange_contradicts_as_a_whole_end_the_start(
    tmp_path: Path,
) -> None:
    exchange = EmbeddedExchange(tmp_path / "exchange.json", ROOT)
    market = exchange.start()
    access = demo_access(
        market.http_url, market.ws_url, market.api_key.reveal(), market.api_secret.reveal()
    )
    no_symbols = dict.fromkeys(("INVERSE_SYMBOLS", "QUANTO_SYMBOLS", "SPOT_SYMBOLS"), "")
    try:
        lacking = refusal(tmp_path / "currency", {**access, "CURRENCIES": "XBt"})
        unknown = refusal(tmp_path / "symbol", {**access, **no_symbols, "LINEAR_SYMBOLS": "NOSUCH"})
    finally:
        exchange.stop()
    assert ".env.Bitmex, line 6: CURRENCIES lacks USDt, the settlement currency of" in lacking
    assert ".env.Bitmex, line 1: LINEAR_SYMBOLS names NOSUCH, but Bitmex has no such" in unknown


def test_a_profile_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    ended = start(tmp_path / "file", "--headless")
    assert ended.returncode == 2
    assert "cannot be used as a profile" in ended.stderr
    assert "Traceback" not in ended.stderr


if sys.platform.startswith("linux"):

    def test_u13_without_a_display_a_sentence_names_the_remedy(tmp_path: Path) -> None:
        ended = start(tmp_path)
        assert ended.returncode == 2
        assert "There is no display" in ended.stderr
        assert "--headless" in ended.stderr
        assert "Traceback" not in ended.stderr


if os.name == "posix":

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
    def test_a_running_demo_holds_its_profile_and_ends_cleanly(tmp_path: Path, name: str) -> None:
        terminal = start_program(tmp_path, "--headless")
        with terminal:
            try:
                assert terminal.stdout is not None
                assert any(" LIVE" in line for line in terminal.stdout)
                second = start(tmp_path, "--headless")
                terminal.send_signal(getattr(signal, name))
                rest, complaints = terminal.communicate(timeout=_PATIENCE)
            finally:
                terminal.kill()
        assert terminal.returncode == 0
        assert "Traceback" not in rest + complaints
        assert second.returncode == 3
        assert f"in use by another terminal (process {terminal.pid})" in second.stderr

    def test_no_secret_is_left_behind_when_the_exchange_cannot_be_reached(tmp_path: Path) -> None:
        away = demo_access(
            "http://127.0.0.1:9/api/v1/", "ws://127.0.0.1:9/realtime", "canary-key", "canary-secret"
        )
        write_profile(tmp_path, away)
        terminal = start_program(tmp_path, "--headless")
        with terminal:
            try:
                assert terminal.stdout is not None
                offline = next(line for line in terminal.stdout if " OFFLINE" in line)
                terminal.send_signal(signal.SIGTERM)
                rest, complaints = terminal.communicate(timeout=_PATIENCE)
            finally:
                terminal.kill()
        assert terminal.returncode == 0
        assert "127.0.0.1" in offline
        left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name[:4] != ".env"]
        assert left
        said = "".join(path.read_bytes().decode("latin-1") for path in left)
        assert "canary" not in said + offline + rest + complaints
