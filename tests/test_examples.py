"""The example settings are settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import ConfigurationError
from common.settings import read_settings
from tests.support.places import ROOT


def _copy(folder: Path, key: str, secret: str) -> None:
    for name in (".env", ".env.Bitmex"):
        text = (ROOT / f"{name}.example").read_text(encoding="utf-8")
        text = text.replace("the key that it printed", key)
        copy = folder / name
        copy.write_text(text.replace("the secret that it printed", secret), encoding="utf-8")
        copy.chmod(0o600)


def test_the_examples_are_accepted_once_the_key_is_filled_in(tmp_path: Path) -> None:
    _copy(tmp_path, "kL8gXq0Zk2m9", "Zx81kd92nMq7")
    settings = read_settings(tmp_path, ["Bitmex"])
    assert [market.name for market in settings.markets] == ["Bitmex"]
    assert settings.refresh_rate == 5


def test_an_example_that_was_not_filled_in_is_refused_by_key(tmp_path: Path) -> None:
    _copy(tmp_path, "the key that it printed", "the secret that it printed")
    with pytest.raises(ConfigurationError, match="TESTNET_API_KEY"):
        read_settings(tmp_path, ["Bitmex"])
