from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.simulator.file_lock import StateError
from api.simulator.ports import Json
from api.simulator.store import StateFile

State = dict[str, Json]


def reload(path: Path) -> State | None:
    with StateFile(path) as store:
        return store.load()


def journal_of(path: Path) -> Path:
    return path.with_name(path.name + ".journal")


def test_nothing_is_loaded_before_the_first_save(tmp_path: Path) -> None:
    assert reload(tmp_path / "state") is None


def test_every_save_is_there_after_a_kill(tmp_path: Path) -> None:
    """No close, no last snapshot: what a killed process leaves behind."""
    path = tmp_path / "state"
    states: list[State] = [
        {"orders": {}, "counter": 1, "history": {"executions": []}},
        {"orders": {"a": {"qty": 1}}, "counter": 2, "history": {"executions": [{"id": 1}]}},
        {"orders": {"b": {"qty": 1}}, "counter": 3, "history": {"executions": [{"id": 1}]}},
        {"orders": {}, "counter": 3, "history": {"executions": [{"id": 1}, {"id": 2}]}},
        {"orders": [1], "history": {"executions": [{"id": 1}, {"id": 2}], "trades": [5]}},
    ]
    with StateFile(path) as store:
        for state in states:
            store.save(state)
            copy = tmp_path / "copy"
            copy.write_bytes(path.read_bytes())
            journal_of(copy).write_bytes(journal_of(path).read_bytes())
            assert reload(copy) == state


keys = st.sampled_from(["a", "b", "c"])
values = st.one_of(
    st.integers(-5, 5),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(keys, st.integers()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.dictionaries(keys, values), st.integers(0, 2)), max_size=8))
def test_any_sequence_of_states_is_restored(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[State, int]]
) -> None:
    path = tmp_path_factory.mktemp("state") / "file"
    rows: list[Json] = []
    last: State | None = None
    with StateFile(path, compact_at=120) as store:
        for state, more in steps:
            rows = rows + [{"row": len(rows) + n} for n in range(more)]
            last = {**state, "history": {"rows": rows}}
            store.save(last)
    assert reload(path) == last


def test_growing_history_is_appended_not_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "state"
    rows: list[Json] = [{"text": "x" * 100} for _ in range(1000)]
    with StateFile(path) as store:
        store.save({"history": {"rows": rows}})
        before = journal_of(path).stat().st_size
        store.save({"history": {"rows": [*rows, {"text": "new"}]}})
        assert journal_of(path).stat().st_size - before < 100


def test_history_that_lost_rows_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StateFile(path) as store:
        store.save({"history": {"rows": [1, 2, 3], "more": [1]}})
        store.save({"history": {"rows": [3, 4]}})
    assert reload(path) == {"history": {"rows": [3, 4]}}


def test_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StateFile(path) as store:
        store.save({"counter": 1})
        store.save({"counter": 2})
    with journal_of(path).open("ab") as journal:
        journal.write(b'{"set":[[["counter"],3')
    assert reload(path) == {"counter": 2}


def test_journal_of_an_older_snapshot_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StateFile(path) as store:
        store.save({"counter": 1})
        store.save({"counter": 2})
        old = journal_of(path).read_bytes()
        store.write_snapshot({"counter": 3})
    journal_of(path).write_bytes(old)
    assert reload(path) == {"counter": 3}


def test_damage_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StateFile(path) as store:
        store.save({"counter": 1})
        store.save({"counter": 2})
        store.save({"counter": 3})
    lines = journal_of(path).read_bytes().split(b"\n")
    lines[1] = b"garbage"
    journal_of(path).write_bytes(b"\n".join(lines))
    with pytest.raises(StateError, match=r"state: damaged at line 2 of state\.journal.*delete it"):
        reload(path)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "not readable as JSON"),
        ("[]", "holds no JSON object"),
        ('{"format": 99}', "field format is 99"),
        ('{"format": 1, "generation": 1}', "field state"),
    ],
)
def test_file_that_is_no_state_is_named(tmp_path: Path, content: str, named: str) -> None:
    path = tmp_path / "state"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(StateError, match=named) as error:
        reload(path)
    assert str(path) in str(error.value)


def test_second_exchange_cannot_use_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StateFile(path), pytest.raises(StateError, match="in use by another running exchange"):
        StateFile(path)
    StateFile(path).close()


def test_snapshot_replaces_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StateFile(path) as store:
        store.save({"counter": 1})
        store.write_snapshot({"counter": 2})
    assert json.loads(path.read_bytes())["state"] == {"counter": 2}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["state", "state.journal", "state.lock"]


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StateFile(path) as store:
        store.save({"secret": "s"})
    if sys.platform != "win32":  # Windows has no such modes; the profile's folder is private there
        for file in (path, journal_of(path)):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
