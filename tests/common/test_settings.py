from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.domain.executions import Network
from common.domain.instruments import Category, Symbol
from common.domain.trading_limits import TradingLimits
from common.errors import ConfigurationError
from common.market_settings import MARKET_KEYS
from common.settings import GENERAL_KEYS, demo_settings, read_settings
from common.settings_types import Depth, MysqlSettings, Settings, SqliteSettings
from tests.support.places import ROOT
from tests.support.profiles import GENERAL, MARKET_FILE, write_profile

KNOWN = ("Bitmex",)
MYSQL = {
    "MYSQL_HOST": "localhost",
    "MYSQL_USER": "tmatic",
    "MYSQL_PASSWORD": "canary-password",
    "MYSQL_DATABASE": "my_db",
}


def read(folder: Path, changes: Mapping[str, str | None] | None = None) -> Settings:
    return read_settings(write_profile(folder, changes), KNOWN)


def refusal(folder: Path, changes: Mapping[str, str | None]) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read(folder, changes)
    return str(raised.value)


def test_everything_right_gives_settings_without_warnings(tmp_path: Path) -> None:
    result = read(tmp_path)
    market = result.markets[0]
    assert result.warnings == ()
    assert (result.profile, result.demo, result.refresh_rate) == (tmp_path, False, 5)
    assert result.database == SqliteSettings(tmp_path / "tmatic.db")
    assert (market.name, market.network, market.depth) == ("Bitmex", Network.TEST, Depth.TEN)
    assert market.http_url == "https://testnet.bitmex.com/api/v1/"
    assert market.ws_url == "wss://ws.testnet.bitmex.com/realtime"
    assert market.api_key.reveal() == MARKET_FILE["TESTNET_API_KEY"]
    assert market.api_secret.reveal() == MARKET_FILE["TESTNET_API_SECRET"]
    assert market.currencies == ("XBt", "USDt")
    assert market.symbols == (
        Symbol("XBTUSDT", Category.LINEAR),
        Symbol("SOLUSDT", Category.LINEAR),
        Symbol("XBTUSD", Category.INVERSE),
        Symbol("ETHUSD", Category.QUANTO),
        Symbol("XBT_USDT", Category.SPOT),
    )


@pytest.mark.parametrize(("text", "seconds"), [("60", 60), ("10", 10), ("0", 0), ("", 0)])
def test_the_dead_mans_switch_is_off_unless_asked_for(
    tmp_path: Path, text: str, seconds: int
) -> None:
    assert read(tmp_path, {"DEAD_MANS_SWITCH": text}).markets[0].dead_man == seconds


@pytest.mark.parametrize("text", ["9", "3601", "-60", "60.0", "true", "\u0666\u0660", "1" * 30])
def test_a_wrong_dead_mans_switch_is_refused_with_its_remedy(tmp_path: Path, text: str) -> None:
    told = refusal(tmp_path, {"DEAD_MANS_SWITCH": text})
    assert ".env.Bitmex, line 15: DEAD_MANS_SWITCH is" in told
    assert "10 to 3600, or 0 for none" in told


def test_the_limits_of_orders_are_read_and_have_sane_defaults(tmp_path: Path) -> None:
    assert read(tmp_path).markets[0].limits == TradingLimits(Decimal(5), 0, Decimal(0), 0, 60)
    given = {
        "PRICE_BAND_PERCENT": "2.5",
        "MAX_ORDER_LOTS": "10",
        "MAX_ORDER_VALUE": "1000.5",
        "MAX_POSITION_LOTS": "20",
        "BOT_REQUESTS_PER_MINUTE": "0",
    }
    limits = read(tmp_path, given).markets[0].limits
    assert limits == TradingLimits(Decimal("2.5"), 10, Decimal("1000.5"), 20, 0)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("PRICE_BAND_PERCENT", "-5"),
        ("PRICE_BAND_PERCENT", "5%"),
        ("MAX_ORDER_LOTS", "1.5"),
        ("MAX_ORDER_VALUE", "NaN"),
        ("MAX_ORDER_VALUE", "1e9"),
        ("MAX_POSITION_LOTS", "\u0663"),
        ("BOT_REQUESTS_PER_MINUTE", "many"),
    ],
)
def test_a_wrong_limit_is_refused_with_its_key_and_remedy(
    tmp_path: Path, key: str, text: str
) -> None:
    told = refusal(tmp_path, {key: text})
    assert f"{key} is" in told
    assert "0 for no limit" in told


def test_v1_testnet_false_means_the_real_network_and_its_keys(tmp_path: Path) -> None:
    market = read(tmp_path, {"TESTNET": "False"}).markets[0]
    assert market.network is Network.REAL
    assert market.http_url == MARKET_FILE["HTTP_URL"]
    assert market.ws_url == MARKET_FILE["WS_URL"]
    assert market.api_key.reveal() == MARKET_FILE["API_KEY"]
    assert market.api_secret.reveal() == MARKET_FILE["API_SECRET"]


@pytest.mark.parametrize("testnet", ["True", "False"])
@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost:8700", "[::1]:8700"])
def test_an_exchange_on_this_machine_is_the_demo_whatever_testnet_says(
    tmp_path: Path, testnet: str, host: str
) -> None:
    prefix = "TESTNET_" if testnet == "True" else ""
    changes: dict[str, str | None] = {
        "TESTNET": testnet,
        prefix + "HTTP_URL": f"http://{host}/api/v1",
        prefix + "WS_URL": f"ws://{host}/realtime",
    }
    market = read(tmp_path, changes).markets[0]
    assert market.network is Network.DEMO
    assert market.http_url == f"http://{host}/api/v1/"


def test_keys_of_the_other_network_may_be_absent(tmp_path: Path) -> None:
    others = ("HTTP_URL", "WS_URL", "API_KEY", "API_SECRET")
    assert read(tmp_path, dict.fromkeys(others)).markets[0].network is Network.TEST


def test_mysql_host_chooses_the_server(tmp_path: Path) -> None:
    database = read(tmp_path, {**MYSQL}).database
    assert isinstance(database, MysqlSettings)
    assert (database.host, database.port, database.user) == ("localhost", 3306, "tmatic")
    assert (database.password.reveal(), database.database) == ("canary-password", "my_db")
    ported = read(tmp_path, {**MYSQL, "MYSQL_PORT": "3307"}).database
    assert isinstance(ported, MysqlSettings)
    assert ported.port == 3307


def test_without_mysql_host_the_books_are_kept_in_a_file(tmp_path: Path) -> None:
    for host in (None, "", " "):
        result = read(tmp_path, {**MYSQL, "MYSQL_HOST": host})
        assert result.database == SqliteSettings(tmp_path / "tmatic.db")


def test_mysql_keys_without_the_host_are_told_to_be_idle(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, {**MYSQL, "MYSQL_HOST": None}).warnings
    assert "MYSQL_DATABASE has no effect without MYSQL_HOST" in warning
    assert read(tmp_path, {**MYSQL, "MYSQL_HOST": ""}).warnings == ()


# key, its value (None: the line is missing), file and line, the sentence
MALFORMED = [
    ("MARKET_LIST", None, ".env", 'MARKET_LIST is missing; add the line MARKET_LIST = "Bitmex"'),
    ("MARKET_LIST", "", ".env, line 1", 'MARKET_LIST is empty; write MARKET_LIST = "Bitmex"'),
    ("MARKET_LIST", "bitmex", ".env, line 1", 'names "bitmex", which is not known; write "Bitmex"'),
    ("MARKET_LIST", "Bybit", ".env, line 1", 'names "Bybit", which is not known; known are'),
    ("MARKET_LIST", "Bitmex, Bitmex", ".env, line 1", "names Bitmex twice; delete one of them"),
    ("MARKET_LIST", "Bitmex,", ".env, line 1", 'names "", which is not known'),
    ("TESTNET", None, ".env", "TESTNET is missing"),
    ("TESTNET", "", ".env, line 4", "TESTNET is empty"),
    ("TESTNET", "true", ".env, line 4", 'must be exactly "True" or "False", not "true"'),
    ("TESTNET", "True ", ".env, line 4", 'must be exactly "True" or "False", not "True "'),
    ("TESTNET", "0", ".env, line 4", 'must be exactly "True" or "False", not "0"'),
    ("REFRESH_RATE", None, ".env", 'REFRESH_RATE is missing; add the line REFRESH_RATE = "5"'),
    ("REFRESH_RATE", "0", ".env, line 3", "must be a whole number from 1 to 10"),
    ("REFRESH_RATE", "11", ".env, line 3", "must be a whole number from 1 to 10"),
    ("REFRESH_RATE", "-1", ".env, line 3", "must be a whole number from 1 to 10"),
    ("REFRESH_RATE", "2.5", ".env, line 3", "must be a whole number from 1 to 10"),
    ("REFRESH_RATE", "٥", ".env, line 3", "must be a whole number from 1 to 10"),
    ("ORDER_BOOK_DEPTH", None, ".env", "ORDER_BOOK_DEPTH is missing"),
    ("ORDER_BOOK_DEPTH", "orderBook25", ".env, line 2", 'must be "orderBook10" or "quote"'),
    ("LINEAR_SYMBOLS", "XBTUSDT SOLUSDT", ".env.Bitmex, line 1", "separate the entries with comma"),
    ("LINEAR_SYMBOLS", "XBTUSDT,XBTUSDT", ".env.Bitmex, line 1", "names XBTUSDT twice"),
    ("LINEAR_SYMBOLS", "A'B", ".env.Bitmex, line 1", "which is not a symbol"),
    ("INVERSE_SYMBOLS", "XBTUSDT", ".env.Bitmex, line 2", "which LINEAR_SYMBOLS names too"),
    ("CURRENCIES", None, ".env.Bitmex", "CURRENCIES is missing"),
    ("CURRENCIES", " , ", ".env.Bitmex, line 6", "CURRENCIES names no currency"),
    ("CURRENCIES", "XBt USDt", ".env.Bitmex, line 6", "which is not a currency"),
    ("CURRENCIES", "XBt, XBt", ".env.Bitmex, line 6", "names XBt twice"),
    ("TESTNET_HTTP_URL", None, ".env.Bitmex", "TESTNET_HTTP_URL is missing"),
    ("TESTNET_HTTP_URL", "testnet", ".env.Bitmex, line 11", "is not an address; write one like"),
    ("TESTNET_HTTP_URL", "https://a:99999/", ".env.Bitmex, line 11", "is not an address"),
    ("TESTNET_HTTP_URL", "http://testnet.x", ".env.Bitmex, line 11", "must begin with https://"),
    ("TESTNET_HTTP_URL", "ftp://testnet.x", ".env.Bitmex, line 11", "must begin with https://"),
    ("TESTNET_HTTP_URL", "https://u:pw@h.x/", ".env.Bitmex, line 11", "must not contain a user"),
    ("TESTNET_HTTP_URL", "https://h.x/?a=b", ".env.Bitmex, line 11", "must not contain ? or #"),
    ("TESTNET_HTTP_URL", "http://127.0.0.1/", ".env.Bitmex, line 12", "name the same exchange"),
    (
        "TESTNET_HTTP_URL",
        "https://www.bitmex.com/api/v1/",
        ".env.Bitmex, line 11",
        "names the same host as the key of the other network",
    ),
    ("TESTNET_WS_URL", "ws://testnet.x/realtime", ".env.Bitmex, line 12", "must begin with wss://"),
    ("TESTNET_WS_URL", "https://testnet.x", ".env.Bitmex, line 12", "must begin with wss://"),
    ("TESTNET_API_KEY", None, ".env.Bitmex", "TESTNET_API_KEY is missing"),
    ("TESTNET_API_KEY", "", ".env.Bitmex, line 13", "TESTNET_API_KEY is empty"),
    ("TESTNET_API_KEY", "your testnet API key", ".env.Bitmex, line 13", "contains spaces"),
    ("TESTNET_API_SECRET", None, ".env.Bitmex", "TESTNET_API_SECRET is missing"),
    ("TESTNET_API_SECRET", "sécret", ".env.Bitmex, line 14", "contains spaces or letters that no"),
]


@pytest.mark.parametrize(("key", "value", "place", "sentence"), MALFORMED)
def test_b24_malformed_setting_is_named_with_file_line_key_and_remedy(
    tmp_path: Path, key: str, value: str | None, place: str, sentence: str
) -> None:
    told = refusal(tmp_path, {key: value})
    line = next(line for line in told.splitlines() if sentence in line)
    assert f"{tmp_path / place}: " in line
    assert key.split("_", maxsplit=1)[0] in line


@pytest.mark.parametrize("key", ["API_KEY", "API_SECRET"])
@pytest.mark.parametrize("value", ["", None])
def test_s5_without_a_key_nothing_connects_and_the_line_is_named(
    tmp_path: Path, key: str, value: str | None
) -> None:
    told = refusal(tmp_path, {"TESTNET": "False", key: value})
    assert f"{key} is {'missing' if value is None else 'empty'}" in told
    assert ".env.Bitmex" in told


MALFORMED_MYSQL = [
    ("MYSQL_HOST", "local host", "is not the name or address of a server"),
    ("MYSQL_USER", None, "MYSQL_USER is missing"),
    ("MYSQL_PASSWORD", None, "MYSQL_PASSWORD is missing"),
    ("MYSQL_DATABASE", None, "MYSQL_DATABASE is missing"),
    ("MYSQL_DATABASE", "your database name", "may consist of 1 to 64 letters"),
    ("MYSQL_DATABASE", "a`; DROP TABLE coins; --", "may consist of 1 to 64 letters"),
    ("MYSQL_PORT", "0", "must be a number from 1 to 65535"),
    ("MYSQL_PORT", "70000", "must be a number from 1 to 65535"),
    ("MYSQL_PORT", "db", "must be a number from 1 to 65535"),
]


@pytest.mark.parametrize(("key", "value", "sentence"), MALFORMED_MYSQL)
def test_malformed_database_setting_is_named(
    tmp_path: Path, key: str, value: str | None, sentence: str
) -> None:
    told = refusal(tmp_path, {**MYSQL, key: value})
    assert sentence in told
    assert key in told
    assert str(tmp_path / ".env") in told


def test_one_problem_is_one_line_and_several_are_listed_together(tmp_path: Path) -> None:
    assert "\n" not in refusal(tmp_path, {"TESTNET": "no"})
    told = refusal(tmp_path, {"TESTNET": "no", "REFRESH_RATE": "0", "CURRENCIES": None})
    assert [line[:4] for line in told.splitlines()[1:]] == ["  - "] * 3


def test_a_misspelt_key_is_told_beside_the_missing_one(tmp_path: Path) -> None:
    told = refusal(tmp_path, {"TESTNET": None, "TESNET": "True"})
    assert "TESTNET is missing" in told
    assert "TESNET is not a key of this file; did you mean TESTNET?" in told


def test_an_unknown_category_is_refused(tmp_path: Path) -> None:
    write_profile(tmp_path)
    with (tmp_path / ".env.Bitmex").open("a", encoding="utf-8") as file:
        file.write('FUTURES_SYMBOLS = "XBTZ26"\n')
    with pytest.raises(ConfigurationError, match=r"line 15: FUTURES_SYMBOLS names no category"):
        read_settings(tmp_path, KNOWN)


def test_absent_symbol_lists_are_empty_and_none_at_all_is_refused(tmp_path: Path) -> None:
    keys = [key for key in MARKET_FILE if key.endswith("_SYMBOLS")]
    only_one: dict[str, str | None] = dict.fromkeys(keys)
    result = read(tmp_path, {**only_one, "QUANTO_SYMBOLS": "ETHUSD"})
    assert result.markets[0].symbols == (Symbol("ETHUSD", Category.QUANTO),)
    for nothing in (None, "", " , "):
        told = refusal(tmp_path, dict.fromkeys(keys, nothing))
        assert "write at least one symbol into the list of its category" in told


def test_options_are_left_out_with_a_sentence(tmp_path: Path) -> None:
    result = read(tmp_path, {"OPTION_SYMBOLS": "XBT-26DEC26-100000-C"})
    assert all(symbol.category is not Category.OPTION for symbol in result.markets[0].symbols)
    assert len(result.warnings) == 1
    assert f"{tmp_path / '.env.Bitmex'}, line 5: OPTION_SYMBOLS" in result.warnings[0]
    assert "options cannot be traded" in result.warnings[0]


def test_options_alone_leave_nothing_to_trade(tmp_path: Path) -> None:
    keys = [key for key in MARKET_FILE if key.endswith("_SYMBOLS")]
    changes: dict[str, str | None] = dict.fromkeys(keys)
    told = refusal(tmp_path, {**changes, "OPTION_SYMBOLS": "XBT-26DEC26-100000-C"})
    assert "name no instrument that can be traded" in told


def test_a_test_network_address_is_refused_for_the_real_network(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "TESTNET": "False",
        "HTTP_URL": "https://testnet.bitmex.com/api/v1/",
        "TESTNET_HTTP_URL": None,
    }
    assert 'names a test network, but TESTNET is "False"' in refusal(tmp_path, changes)


def test_the_same_key_for_both_networks_is_warned_of(tmp_path: Path) -> None:
    result = read(tmp_path, {"API_KEY": MARKET_FILE["TESTNET_API_KEY"]})
    assert ["is the same as API_KEY" in warning for warning in result.warnings] == [True]


def test_a_missing_market_file_names_the_copy_to_make(tmp_path: Path) -> None:
    write_profile(tmp_path)
    (tmp_path / ".env.Bitmex").unlink()
    with pytest.raises(
        ConfigurationError, match=r"\.env, line 1: MARKET_LIST names Bitmex"
    ) as told:
        read_settings(tmp_path, KNOWN)
    assert f"the file {tmp_path / '.env.Bitmex'} does not exist" in str(told.value)
    assert "copy .env.Bitmex.example" in str(told.value)


def test_a_market_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    write_profile(tmp_path)
    (tmp_path / ".env.Bitmex").unlink()
    (tmp_path / ".env.Bitmex").mkdir()
    with pytest.raises(ConfigurationError, match=r"\.env\.Bitmex"):
        read_settings(tmp_path, KNOWN)


def test_the_environment_overrides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (*GENERAL_KEYS, *MARKET_KEYS):
        monkeypatch.setenv(key, "False")
    assert read(tmp_path).markets[0].network is Network.TEST


if os.name == "posix":

    @pytest.mark.parametrize("name", [".env", ".env.Bitmex"])
    def test_s3_a_file_that_others_can_read_is_warned_of(tmp_path: Path, name: str) -> None:
        write_profile(tmp_path)
        (tmp_path / name).chmod(0o644)
        warnings = read_settings(tmp_path, KNOWN).warnings
        assert len(warnings) == 1
        assert f"chmod 600 {tmp_path / name}" in warnings[0]


def test_no_secret_is_in_any_message_or_repr(tmp_path: Path) -> None:
    canaries = {
        "API_KEY": "canary-real-key",
        "API_SECRET": "canary-real-secret",
        "TESTNET_API_KEY": "canary-test-key",
        "TESTNET_API_SECRET": "canary-test-secret",
    }
    sound = read(tmp_path, {**MYSQL, **canaries, "API_KEY": "canary-test-key"})
    assert "canary" not in repr(sound) + str(sound) + "".join(sound.warnings)
    for key in MARKET_FILE:
        for broken in (
            "canary broken \x1b value",
            "canary-value-far-longer-than-20-letters \u200b",
        ):
            changes = {**MYSQL, **canaries, key: broken, "TESTNET": "maybe"}
            assert "canary" not in refusal(tmp_path / key, changes)
    for key in ("MYSQL_PASSWORD", *canaries):
        for spoilt in ('canary" rest', 'canary\nAPI_SECRETS = canary-secret"'):
            told = refusal(tmp_path / key, {**MYSQL, **canaries, key: spoilt})
            assert "canary" not in told


TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
PIECES = st.one_of(
    TEXTS,
    st.sampled_from([*GENERAL_KEYS, *MARKET_KEYS, "=", '"', "'", "\n", "\r\n", "#", "True", ","]),
    st.sampled_from([*GENERAL.values(), *MARKET_FILE.values()]),
)


@given(st.lists(PIECES, max_size=40), st.lists(PIECES, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_files_raise_configuration_errors_only(
    tmp_path: Path, general: list[str], market: list[str]
) -> None:
    write_profile(tmp_path)
    for name, pieces in ((".env", general), (".env.Bitmex", market)):
        with (tmp_path / name).open("a", encoding="utf-8", newline="") as file:
            file.write("".join(pieces))
    try:
        result = read_settings(tmp_path, KNOWN)
    except ConfigurationError as error:
        assert str(tmp_path) in str(error)
    else:
        assert result.markets[0].symbols


@given(st.sampled_from([*GENERAL, *MARKET_FILE]), TEXTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_of_any_key_is_taken_or_refused_in_words(
    tmp_path: Path, key: str, value: str
) -> None:
    try:
        read(tmp_path, {key: value})
    except ConfigurationError as error:
        assert str(tmp_path) in str(error)


def test_the_demo_keeps_its_books_in_a_file(tmp_path: Path) -> None:
    market = read(tmp_path).markets[0]
    demo = demo_settings(tmp_path, market)
    assert demo.demo
    assert demo.markets == (market,)
    assert demo.database == SqliteSettings(tmp_path / "tmatic.db")
    assert 1 <= demo.refresh_rate <= 10


def test_the_shipped_examples_ask_for_the_keys(tmp_path: Path) -> None:
    for name in (".env", ".env.Bitmex"):
        (tmp_path / name).write_bytes((ROOT / f"{name}.example").read_bytes())
    with pytest.raises(ConfigurationError) as raised:
        read_settings(tmp_path, KNOWN)
    problems = [line for line in str(raised.value).splitlines() if line.startswith("  - ")]
    assert [line.split(": ")[1].split(maxsplit=1)[0] for line in problems] == [
        "TESTNET_API_KEY",
        "TESTNET_API_SECRET",
    ]


def test_the_shipped_examples_are_read_once_their_keys_are_filled_in(tmp_path: Path) -> None:
    for name in (".env", ".env.Bitmex"):
        text = (ROOT / f"{name}.example").read_text(encoding="utf-8")
        lines = [
            f'{line.split("=")[0]}= "filled-in"'
            if line.startswith(("API_", "TESTNET_API_"))
            else line
            for line in text.splitlines()
        ]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    result = read_settings(tmp_path, KNOWN)
    assert result.warnings == ()
    assert isinstance(result.database, SqliteSettings)
    assert result.markets[0].symbols
    assert dataclasses.replace(result, demo=True).demo
