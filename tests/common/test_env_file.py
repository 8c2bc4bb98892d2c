from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.env_file import LARGEST_FILE, EnvFile, parse_env, read_env_file
from common.errors import ConfigurationError

PATH = Path("folder/.env")


def parse(text: str | bytes) -> EnvFile:
    return parse_env(PATH, text.encode("utf-8") if isinstance(text, str) else text)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('KEY = "value"', "value"),
        ("KEY='value'", "value"),
        ("KEY=value", "value"),
        ("  KEY  =   value   ", "value"),
        ("export KEY=value", "value"),
        ('KEY = ""', ""),
        ("KEY =", ""),
        ("KEY = # nothing but a comment", ""),
        ('KEY = "value" # comment', "value"),
        ('KEY = "value"# comment', "value"),
        ("KEY = value # comment", "value"),
        ("KEY = val#ue", "val#ue"),
        ('KEY = "a # b"', "a # b"),
        ('KEY = "it\'s"', "it's"),
        ('KEY = "say \\"yes\\""', 'say "yes"'),
        ('KEY = "back\\\\slash"', "back\\slash"),
        ("KEY = 'C:\\new\\table'", "C:\\new\\table"),
        ("KEY = 'don\\'t'", "don't"),
        ('KEY = "${HOME} $KEY %PATH%"', "${HOME} $KEY %PATH%"),
        ('KEY = "a=b=c"', "a=b=c"),
        ('KEY = " kept "', " kept "),
        ('KEY = "пароль"', "пароль"),
    ],
)
def test_value_of_a_line(line: str, value: str) -> None:
    file = parse(line)
    assert file.problems == []
    assert file.values["KEY"].text == value


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("KEY", "this is not a setting"),
        ("= value", "this is not a setting"),
        ("TWO WORDS = 1", "this is not a setting"),
        ("1KEY = 1", "this is not a setting"),
        ('KEY = "value', "KEY has no closing quotation mark"),
        ("KEY = 'value\"", "KEY has no closing quotation mark"),
        ('KEY = "value" more', "KEY has no closing quotation mark, or text after it"),
        ("KEY = “value”", "KEY begins with a typographic quotation mark"),
        ("KEY = va\x1blue", "KEY contains an invisible character"),
        ('KEY = "va\u200blue"', "KEY contains an invisible character"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_number(line: str, sentence: str) -> None:
    file = parse(f"# first\n\n{line}\n")
    assert file.values == {}
    assert len(file.problems) == 1
    assert file.problems[0].startswith(f"{PATH}, line 3: {sentence}")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_with_every_line_end(end: str) -> None:
    file = parse("\ufeff" + end.join(["# comment", 'A = "1"', "", "B = 2", ""]))
    assert {key: (value.text, value.line) for key, value in file.values.items()} == {
        "A": ("1", 2),
        "B": ("2", 4),
    }


def test_a_key_given_twice_names_both_lines() -> None:
    file = parse("TESTNET = True\n# note\nTESTNET = False\n")
    assert file.problems == [
        f"{PATH}, line 3: TESTNET is given a second time (first on line 1); delete one of them"
    ]


@pytest.mark.parametrize("data", ["KEY = 1".encode("utf-16"), b"KEY\0 = 1"])
def test_text_in_two_byte_letters_names_the_remedy(data: bytes) -> None:
    assert "save it again with the encoding UTF-8" in parse(data).problems[0]


def test_a_byte_that_is_not_utf8_is_named_with_its_line() -> None:
    file = parse(b'A = 1\nMYSQL_PASSWORD = "caf\xe9"\n')
    assert file.problems == [
        f"{PATH}, line 2: not UTF-8 text; save the file again with the encoding UTF-8"
    ]


@given(st.binary(max_size=300))
def test_any_bytes_give_values_or_problems(data: bytes) -> None:
    file = parse_env(PATH, data)
    assert all(str(PATH) in problem for problem in file.problems)


@given(st.text(max_size=60).filter(lambda text: all(c.isprintable() for c in text)))
def test_a_quoted_value_is_read_as_it_was_written(value: str) -> None:
    written = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'KEY = "{written}"').values["KEY"].text == value


def test_unknown_keys_are_warned_of_with_the_nearest_name() -> None:
    file = parse("TESNET = True\nWHATEVER = 1\nAPI_KEY = 2\ntestnet = True\nREFRESH_RATE = 3")
    file.check_names(["TESTNET", "REFRESH_RATE"], ["API_KEY"], ".env.<market>")
    assert file.warnings == [
        f"{PATH}, line 1: TESNET is not a key of this file; did you mean TESTNET?",
        f"{PATH}, line 2: WHATEVER is not a key of this file and is ignored",
        f"{PATH}, line 3: API_KEY is not read here; it belongs into .env.<market>",
        f"{PATH}, line 4: testnet is not a key of this file; did you mean TESTNET?",
    ]


def test_a_secret_pasted_on_a_line_of_its_own_is_not_shown() -> None:
    pasted = "bXlTZWNyZXQxMjM0NTY3ODkwYWJj"
    file = parse(f"{pasted}==\n{pasted}\n{pasted}==\n")
    file.check_names(["API_KEY", "API_SECRET"], [], ".env")
    told = "\n".join([*file.problems, *file.warnings, repr(file)])
    assert len(file.problems) == 2
    assert len(file.warnings) == 1
    assert pasted not in told


def test_a_missing_file_a_folder_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    huge.write_bytes(b"#" * (LARGEST_FILE + 1))
    for path, sentence in (
        (tmp_path / "absent", "cannot be read"),
        (tmp_path, "is a folder|cannot be read"),
        (huge, "is larger than"),
    ):
        with pytest.raises(ConfigurationError, match=sentence) as raised:
            read_env_file(path)
        assert str(path) in str(raised.value)
