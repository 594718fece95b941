"""Customers files as people's programs write them: read where that is safe, else told cell by cell."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.model import bounded
from pytest_flexprice.model.customer_columns import COLUMNS, NAMES, contradictions
from pytest_flexprice.model.declared_customers import DeclaredRow, Problem, declared, sentences
from pytest_flexprice.model.golive_plan import Customers
from pytest_flexprice.model.table_form import Unusable, form_of

PLAIN = "external_id,name,plan,currency,billing_period\norg_1,Müller GmbH,pro,usd,MONTHLY\n"
WANTED = DeclaredRow("c.csv:2", "org_1", {"plan": "pro", "currency": "usd", "billing_period": "MONTHLY"}, "Müller GmbH")


def read(folder: Path, content: str | bytes) -> list[DeclaredRow | Problem]:
    (folder / "c.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return list(declared(Customers(file="c.csv"), folder))


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace("billing_period", "billing_period,Notes,Notes,").replace("MONTHLY", "MONTHLY,x,y,"),
        PLAIN.replace("external_id", "External ID").replace("billing_period", "Billing-Period"),
        PLAIN.replace("external_id", "externalId").replace("currency", " CURRENCY "),
        PLAIN.replace("MONTHLY", "monthly").replace("usd", "USD"),
        PLAIN.encode("cp1252"),
        PLAIN + ",,,,\n\n , ,,,\n",
        "\n".join(line + ",," for line in PLAIN.splitlines()),
    ],
    ids=range(17),
)
def test_what_can_be_read_safely_is_read(tmp_path: Path, content: str | bytes) -> None:
    assert read(tmp_path, content) == [WANTED]


def test_a_sep_line_is_followed(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "sep=;\r\n" + PLAIN.replace(",", ";"))
    assert row == WANTED._replace(where="c.csv:3")


def test_a_row_is_told_by_its_first_line(tmp_path: Path) -> None:
    rows = read(tmp_path, 'external_id,plan\n"a\nb",pro\n\nc,pro\n')
    assert [row.where for row in rows] == ["c.csv:2", "c.csv:5"]


@pytest.mark.parametrize(
    ("column", "cell", "hint"),
    [
        ("start_date", "02.11.2026", "2026-11-02?"),
        ("start_date", "02/11/2026", "2026-11-02 or 2026-02-11?"),
        ("start_date", "31/12/2026", "2026-12-31?"),
        ("start_date", "12/31/2026", "2026-12-31?"),
        ("start_date", "32.12.2026", ""),
        ("start_date", "31.13.2026", ""),
        ("start_date", "46327", "day number"),
        ("start_date", "46327.5", "day number"),
        ("start_date", "2026-11-02T10:30:00", "zone"),
        ("start_date", "2026-02-30", ""),
        ("billing_period", "MONTLY", "MONTHLY?"),
        ("billing_period", "every month", ""),
        ("billing_period_count", "0", ""),
        ("billing_period_count", "1.5", ""),
        ("currency", "€", "eur"),
        ("currency", "dollars", ""),
        ("payment_terms", "30 days", ""),
        ("status", "activ", "active?"),
        ("collection_method", "invoice", ""),
        ("timezone", "Europe/Berln", "Europe/Berlin?"),
        ("external_id", "1.23457E+11", "spreadsheet"),
        ("external_id", "1,23457E+11", "spreadsheet"),
        ("external_id", "N/A", "leave the row out"),
        ("external_id", "#REF!", "leave the row out"),
        ("external_id", "=A1", "the text of a formula"),
        ("external_id", '="00123"', "put its result there, 00123"),
        ("external_id", "'00123", "without the quotes, 00123?"),
        ("external_id", "“org_1”", "without the quotes, org_1?"),
        ("external_id", "org_Ã¤", "org_ä?"),
        ("external_id", "org_\ufffd", "could not read"),
        ("external_id", "org\n1", "over several lines"),
        ("plan", "-", "leave the cell empty"),
        ("plan", "null", "leave the cell empty"),
        ("start_date", "—", "leave the cell empty"),
        ("quantity", "NULL", "leave the cell empty"),
        ("quantity", "1.000", "1000, or 1?"),
        ("quantity", "1.250", "1250, or 1.25?"),
        ("quantity", "=1+1", "the text of a formula"),
        ("quantity", "1,000", "write the number alone"),
        ("commitment", "5.000", "5000, or 5?"),
        ("start_date", "2026-11-02T10:30:00+0200", "write the offset like +02:00"),
    ],
)
def test_a_cell_that_cannot_be_used_is_told(tmp_path: Path, column: str, cell: str, hint: str) -> None:
    content = io.StringIO()
    writer = csv.DictWriter(content, NAMES)
    writer.writeheader()
    writer.writerow({"external_id": "good"})
    writer.writerow({"external_id": "org_1", column: cell})
    good, problem = read(tmp_path, content.getvalue())
    assert isinstance(good, DeclaredRow)
    assert isinstance(problem, Problem)
    assert (problem.where, problem.column, problem.value) == ("c.csv:3", column, cell)
    assert hint in problem.hint
    assert hint or "?" not in problem.hint
    assert repr(cell) in problem.sentence
    assert problem.expected in problem.sentence


@pytest.mark.parametrize(
    ("column", "cell", "canonical"),
    [
        ("timezone", " europe/berlin ", "Europe/Berlin"),
        ("start_date", "2026-11-02 10:30:00Z", "2026-11-02T10:30:00Z"),
        ("quantity", " 2.50 ", "2.5"),
        ("quantity", "Seats = 25;Support=2.0", "Seats=25; Support=2"),
        ("overage_factor", "1.10", "1.1"),
        ("payment_terms", "net-30", "30 NET"),
        ("payment_terms", "30 days net", "30 NET"),
        ("billing_period_count", "012", "12"),
        ("coupon", "B ; a;", "a; b"),
    ],
)
def test_a_cell_is_read_in_one_form(column: str, cell: str, canonical: str) -> None:
    assert next(one for one in COLUMNS if one.name == column).read(cell) == canonical


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("overage_factor", "1"),
        ("overage_factor", "0.5"),
        ("quantity", "=5"),
        ("quantity", "Seats=1; 5"),
        ("quantity", "a=1;a=2"),
    ],
)
def test_a_number_that_means_nothing_is_refused(column: str, cell: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        next(one for one in COLUMNS if one.name == column).read(cell)


def test_many_cells_of_one_kind_are_one_sentence(tmp_path: Path) -> None:
    rows = "".join(f"acct_{number},11/{number}/2026\n" for number in range(13, 29))
    problems = [
        one for one in read(tmp_path, f"external_id,start_date\n{rows}acct_1,soon\n") if isinstance(one, Problem)
    ]
    ((_, sentence),) = sentences(problems)
    assert "column start_date holds '11/13/2026'" in sentence
    assert "(2026-11-13?); 16 more like it, in lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …" in sentence
    assert len(list(sentences(problems[:3]))) == 3


@pytest.mark.parametrize(("cycle", "told"), [("calendar", True), ("anniversary", False), ("", False)])
def test_an_anchor_contradicts_calendar_periods_only(cycle: str, told: bool) -> None:
    assert bool(list(contradictions({"billing_anchor": "2026-11-02", "billing_cycle": cycle}))) is told
    assert not list(contradictions({"billing_cycle": cycle}))


@pytest.mark.parametrize(
    ("cells", "delimiter", "read_as"),
    [
        (["1.125"], ",", "1.125"),
        (["1.125", "1.250"], ",", None),
        (["1.125"], ";", None),
        (["1.125", "2.5"], ";", "1.125"),
        (["1.250", "Seats=0.5"], ";", "1.25"),
        (["1.125", "2,5"], ";", None),
        (["1.125", "1.000.000"], ",", None),
        (["1.125", '"1,000.50"'], ",", "1.125"),
    ],
)
def test_whether_a_point_is_one_of_decimals_is_told_by_the_other_cells(
    tmp_path: Path, cells: list[str], delimiter: str, read_as: str | None
) -> None:
    lines = [f"org_{number}{delimiter}{cell}" for number, cell in enumerate(cells)]
    content = "\n".join([f"external_id{delimiter}quantity", *lines]) + "\n"
    first, *_ = read(tmp_path, content)
    if read_as is None:
        assert isinstance(first, Problem)
        assert "write it so that nobody has to guess" in first.hint
    else:
        assert isinstance(first, DeclaredRow)
        assert first.values["quantity"] == read_as
        assert any("one and an eighth, as " in note for note in form_of(tmp_path / "c.csv", "c.csv").notes)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("Total,,,,12", "'Total' seems to be a line of totals"),
        ("Summe: 3,,,,", "seems to be a line of totals"),
        ("external_id,plan", "names the columns again"),
        ("org_2;Meier;pro;usd;MONTHLY", "divided by ';'"),
    ],
)
def test_a_row_that_is_no_customer_is_told(tmp_path: Path, row: str, words: str) -> None:
    first, problem = read(tmp_path, PLAIN + row + "\n")
    assert first == WANTED
    assert words in (problem.sentence if isinstance(problem, Problem) else "")


@pytest.mark.parametrize("external_id", ["total-energies", "count_12", "none", "NA_12", "-1", "O'Neil", "1.000"])
def test_ids_that_only_resemble_what_spreadsheets_leave_are_ids(tmp_path: Path, external_id: str) -> None:
    (row,) = read(tmp_path, f"external_id,plan\n{external_id},\n")
    assert isinstance(row, DeclaredRow)
    assert row.external_id == external_id


def test_a_total_on_a_plan_is_a_customer(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "external_id,plan\nTotal,pro\n")
    assert isinstance(row, DeclaredRow)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    content = (
        "external_id,plan,currency,start_date\na,pro,dollar,1.2.2026\nb,pro,usd,2026-01-01\nc,pro,usd,2026-01-01,x\n"
    )
    told = [one.where + " " + one.column for one in read(tmp_path, content) if isinstance(one, Problem)]
    assert told == ["c.csv:2 currency", "c.csv:2 start_date", "c.csv:4 "]


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"billing_cycle": "calendar", "billing_anchor": "2026-11-01"}, "billing_anchor"),
        ({"start_date": "2026-11-02", "end_date": "2026-11-01"}, "end_date"),
        ({"start_date": "2026-11-02T00:00:00+02:00", "trial_end": "2026-11-01T21:00:00Z"}, "trial_end"),
    ],
)
def test_columns_that_contradict_each_other(values: dict[str, str], column: str) -> None:
    (problem,) = declared(Customers(declared=({"external_id": "a", **values},)), Path())
    assert isinstance(problem, Problem)
    assert problem.column == column


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "not there"),
        ("", "empty"),
        ("\n\n", "empty"),
        ("id;plan\n1;pro\n", "names no column external_id"),
        ("extrenal_id,plan\n1,pro\n", "'extrenal_id' is there"),
        ("external_id,plan,External ID\na,pro,b\n", "two columns are external_id"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "spreadsheet of an old kind"),
        ("<html><body>", "a page"),
        ("<<<<<<< HEAD\nexternal_id\n", "in two versions"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        ("version,plan\n1,pro\n", "names no column external_id"),
        ('[{"external_id": "a"}]', "it is JSON"),
        ("Customers of 2026\n\nexternal_id,plan\na,pro\n", "line 3 does: take away what stands above it"),
        ("Customer,,Billing\nexternal_id,name,plan\n", "line 2 does"),
        (b"\xff\xfea\x00\x00\xd8", "CSV"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(tmp_path: Path, content: str | bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "c.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Unusable, match=words) as told:
        list(declared(Customers(file="c.csv"), tmp_path))
    assert str(told.value).startswith("c.csv")


def test_a_file_beyond_its_bounds_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LARGEST_CUSTOMERS", 20)
    with pytest.raises(Unusable, match=r"c\.csv is larger than 0 MB"):
        read(tmp_path, PLAIN)


def test_a_named_pipe_is_no_customers_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.csv")
    with pytest.raises(Unusable, match="no regular file"):
        list(declared(Customers(file="c.csv"), tmp_path))


def test_a_folder_is_no_customers_file(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no regular file"):
        list(declared(Customers(file="."), tmp_path))


def test_what_was_read_in_another_spelling_is_said(tmp_path: Path) -> None:
    read(tmp_path, PLAIN.replace("external_id", "External ID").replace(",", ";"))
    notes = form_of(tmp_path / "c.csv", "c.csv").notes
    assert notes == ["'External ID' is read as external_id", "its delimiter is ';'"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_the_file_holds_it_ends_in_rows_problems_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Mutations of a valid file: bytes cut out, put in or doubled anywhere."""
    content = bytearray((PLAIN + "org_2,B,pro,eur,ANNUAL\n").encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(at, min(len(content), at + 6)))
        content[at:end] = data.draw(
            st.one_of(st.binary(max_size=6), st.sampled_from([b'"', b"\0", b"\r", b";", b"\n", b",,,", b"\xff"]))
        )
    folder = tmp_path_factory.mktemp("mutated")
    found: list[DeclaredRow | Problem] = []
    with contextlib.suppress(Unusable):
        found = read(folder, bytes(content))
    for one in found:
        assert one.where.startswith("c.csv:")
        if isinstance(one, Problem):
            assert one.expected in one.sentence
        else:
            assert set(one.values) <= set(NAMES)


CELLS = st.one_of(
    st.text(max_size=12), st.sampled_from(["monthly", "30 net", "2026-11-02", "usd", "1", "Europe/Berlin", "active"])
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), CELLS))
def test_what_is_read_once_is_read_again_unchanged(values: dict[str, str]) -> None:
    """Reading is idempotent: a canonical cell is its own canonical form, so no column is ever read in two ways."""
    rows = list(declared(Customers(declared=(values,)), Path()))
    for row in rows:
        if isinstance(row, DeclaredRow):
            again = Customers(declared=({"external_id": row.external_id, **row.values},))
            assert [one._replace(name="") for one in declared(again, Path()) if isinstance(one, DeclaredRow)] == [
                row._replace(name="")
            ]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_every_column_says_what_it_means(column) -> None:  # type: ignore[no-untyped-def]
    assert column.meaning.endswith(".")
    assert column.expected


def test_a_quote_that_is_never_closed_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text('external_id,plan\na,pro\n"b,pro\nc,pro\n', encoding="utf-8")
    found = list(declared(Customers(file="customers.csv"), tmp_path))
    assert [one.external_id for one in found if isinstance(one, DeclaredRow)] == ["a"]
    (problem,) = [one for one in found if isinstance(one, Problem)]
    assert problem.where == "customers.csv:3"
    assert "expected a row of CSV with its quotes closed" in problem.sentence


def test_a_row_with_the_delimiter_of_another_file_in_it_is_told(tmp_path: Path) -> None:
    rows = read(tmp_path, "external_id,name,plan,currency\na;Acme;pro,usd\nb;c,Beta\n")
    assert [getattr(row, "sentence", row.where) for row in rows] == [
        "c.csv:2: the row is divided by ';', expected the delimiter of the first line",
        "c.csv:3",
    ]
