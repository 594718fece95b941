"""The file of variables: what sets none is told by its line, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_flexprice.model.bounded import Unreadable
from pytest_flexprice.run import variables

SECRET = "sk_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def written(folder: Path, text: str) -> Path:
    path = folder / ".env.prod"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "FLEXPRICE_API_KEY=" + SECRET,
        f'export FLEXPRICE_API_KEY = "{SECRET}"  # ours\r\n\r\n',
        f"\ufeffFLEXPRICE_API_KEY='{SECRET}'",
        f"# keys\n\nLONELY\nFLEXPRICE_API_KEY={SECRET}\n",
    ],
)
def test_what_is_usual_is_read(tmp_path: Path, text: str) -> None:
    assert variables.read(written(tmp_path, text))["FLEXPRICE_API_KEY"] == SECRET


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"FLEXPRICE_API_KEY {SECRET}\n", "line 1 sets"),
        (f"A=1\nFLEXPRICE_API_KEY: {SECRET}\nB=2\nC is {SECRET}\n", "lines 2, 4 set"),
        (f'A=1\nFLEXPRICE_API_KEY="{SECRET}\n', "line 2 sets"),
        (f"FLEXPRICE_API_KEY=sk_\n{SECRET.lower()}\n", "line 2 sets"),
        (f'$env:FLEXPRICE_API_KEY="{SECRET}"\n', "line 1 sets"),
        (f'{{"FLEXPRICE_API_KEY": "{SECRET}"}}\n', "line 1 sets"),
        ("".join(f"name {number}\n" for number in range(9)), "lines 1, 2, 3, 4, 5 and 4 more set"),
    ],
)
def test_lines_that_set_nothing_are_told_all_at_once(tmp_path: Path, text: str, lines: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Unreadable) as refused:
        variables.read(path)
    assert f"{path}: {lines} no variable; write NAME=value" in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("value", ["sk_#1$2", "sk_$A", "'sk_${A}b #c'"])
def test_what_a_secret_may_hold_is_kept(tmp_path: Path, value: str) -> None:
    read = variables.read(written(tmp_path, f"A=1\nFLEXPRICE_API_KEY={value}\n"))
    assert read["FLEXPRICE_API_KEY"] == value.strip("'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"A=1\nKEY={SECRET}\nKEY=other\n", "lines 2 and 3 set KEY to two values"),
        (f"A={SECRET}\nKEY=${{A}}\n", "line 2 refers to another variable"),
    ],
)
def test_what_means_two_things_is_refused_unshown(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as refused:
        variables.read(written(tmp_path, text))
    assert SECRET not in str(refused.value)


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert variables.read(tmp_path / ".env.prod") == {}
