from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from common.domain.books import AccountKey
from common.domain.executions import Network
from common.errors import ConfigurationError, ProfileInUse
from common.history_ini import EVERYTHING, HistoryFile
from common.profile import LOCK_FILE, ProfileLock, find_profile
from tests.support.places import ROOT
from tests.support.profiles import write_profile

_HOLDER = """
import sys
from pathlib import Path
from common.profile import ProfileLock
lock = ProfileLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_without_env_the_demo_lies_below_the_program(tmp_path: Path) -> None:
    profile = find_profile(tmp_path)
    assert profile.demo
    assert profile.folder == tmp_path / "demo"
    assert profile.data.is_dir()
    assert profile.logs.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]


def test_without_env_a_named_folder_is_the_demo_itself(tmp_path: Path) -> None:
    named = tmp_path / "not there yet" / "профиль"
    profile = find_profile(tmp_path, named)
    assert profile.demo
    assert profile.folder == named
    assert profile.history.is_file()


def test_with_env_the_folder_is_used_as_it_is(tmp_path: Path) -> None:
    write_profile(tmp_path)
    for named in (None, tmp_path):
        profile = find_profile(tmp_path, named)
        assert not profile.demo
        assert profile.folder == tmp_path
        assert not profile.history.exists()  # only the demo's first files are written


def test_a_relative_folder_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_profile(tmp_path, Path("mine")).folder == tmp_path / "mine"


def test_the_first_start_of_a_demo_fetches_everything_and_later_ones_keep_the_date(
    tmp_path: Path,
) -> None:
    key = AccountKey("Bitmex", Network.DEMO, 1)
    now = datetime(2026, 11, 1, tzinfo=timezone.utc)
    profile = find_profile(tmp_path)
    first = HistoryFile(profile.history).read(key, now)
    assert (first.at, first.warning) == (EVERYTHING, "")
    profile.history.write_text("2026-01-02 03:04:05\n", encoding="utf-8")
    again = HistoryFile(find_profile(tmp_path).history).read(key, now)
    assert again.at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def test_own_strategies_are_known_when_they_exist(tmp_path: Path) -> None:
    profile = find_profile(tmp_path)
    assert profile.algo is None
    (profile.folder / "algo").mkdir()
    assert profile.algo == profile.folder / "algo"


def test_a_market_file_without_env_is_told(tmp_path: Path) -> None:
    write_profile(tmp_path)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env.example").write_text("", encoding="utf-8")
    (tmp_path / ".env.Bitmex.example").write_text("", encoding="utf-8")
    profile = find_profile(tmp_path)
    assert profile.demo
    assert len(profile.warnings) == 1
    assert f"{tmp_path / '.env.Bitmex'} is not read" in profile.warnings[0]


def test_a_file_in_place_of_the_folder_is_refused_with_a_remedy(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    for named in (file, file / "below"):
        with pytest.raises(ConfigurationError, match="name a folder that you may write to"):
            find_profile(tmp_path, named)


def test_a_link_to_a_lost_env_does_not_start_the_demo(tmp_path: Path) -> None:
    try:
        (tmp_path / ".env").symlink_to(tmp_path / "lost")
    except OSError:  # Windows allows links to developers only
        assert os.name == "nt"
        return
    assert not find_profile(tmp_path).demo


def test_l3_a_second_terminal_on_the_same_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(ProfileInUse) as raised, ProfileLock(tmp_path):
                pass
        finally:
            holder.kill()
    told = str(raised.value)
    assert f"{tmp_path} is in use by another terminal (process {holder.pid})" in told
    with ProfileLock(tmp_path):  # a killed holder leaves nothing behind
        assert str(os.getpid()) in (tmp_path / LOCK_FILE).read_text(encoding="ascii")


def test_a_released_profile_can_be_locked_again(tmp_path: Path) -> None:
    with ProfileLock(tmp_path), pytest.raises(ProfileInUse):
        ProfileLock(tmp_path).acquire()
    with ProfileLock(tmp_path):
        assert (tmp_path / LOCK_FILE).exists()


def test_a_folder_that_cannot_hold_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(ConfigurationError, match="cannot be used as a profile"):
        ProfileLock(tmp_path).acquire()
