"""Customers byte for byte: missing, nearly right, undeclared, made by events, doubled; and what stays readable at size."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.declared_customers import DeclaredRow
from pytest_flexprice.model.finding import NotDecided, NotVerified, Severity
from pytest_flexprice.model.golive_plan import Customers
from pytest_flexprice.model.grouping import Told, summarise
from pytest_flexprice.oracle.customers import declared
from pytest_flexprice.oracle.customers import existing as customers
from pytest_flexprice.oracle.customers.register import Register


def there(external_id: str, **values: object) -> dict[str, object]:
    return {"external_id": external_id, "id": f"cust-of-{external_id}", "name": "Somebody", "timezone": "UTC", **values}


def row(external_id: str, **values: str) -> DeclaredRow:
    return DeclaredRow("customers.csv:2", external_id, values)


def compare(rows: list[DeclaredRow], existing: list[dict], *subscriptions: dict, **policy: object) -> list[Told]:
    with Register() as register:
        register.declare(rows)
        register.add_customers(existing)
        register.add_subscriptions(subscriptions)
        return list(customers.compare(register, **policy))


def test_the_same_customers_are_fine() -> None:
    assert compare([row("acct_1"), row("acct_2")], [there("acct_2"), there("acct_1")]) == []


def test_a_missing_customer_is_named() -> None:
    found = compare([row("acct_1")], [])
    assert [(one.kind, one.subject) for one in found] == [(customers.MISSING, "acct_1")]
    assert "billed to nobody" in found[0].finding.sentence


def test_swapped_columns_are_one_finding() -> None:
    rows = [row("pro", plan="acct_1"), row("pro", plan="acct_2")]
    (found,) = compare(rows, [there("acct_1"), there("acct_2"), there("acct_3")])
    assert "2 rows declare an existing customer as plan, such as 'acct_1'" in found.finding.sentence
    assert "seem to be swapped" in found.finding.sentence


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"actions": [{"action": "create_customer"}, {"action": "create_wallet"}]}, 1),
        ({"actions": []}, 0),
        ({"actions": None}, 0),
        ({"actions": ["create_customer"]}, 0),
        ({}, 0),
    ],
)
def test_that_events_make_customers_is_worth_a_warning(setting: dict, told: int) -> None:
    found = customers.made_from_events(setting)
    assert len(found) == told
    assert all("a typo in the pipeline makes a customer" in one.sentence for one in found)


def test_an_archived_customer_is_told_as_archived() -> None:
    found = compare([row("acct_1"), row("acct_2")], [], archived={"acct_1": "2026-10-01"})
    assert [(one.kind, one.subject) for one in found] == [(customers.ARCHIVED, "acct_1"), (customers.MISSING, "acct_2")]
    assert "customer 'acct_1' is declared (customers.csv:2) and archived since 2026-10-01" in found[0].finding.sentence


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ACCT_8412", "upper and lower case"),
        ("acct_8412 ", "white space"),
        ("acct-8412", "separators"),
        ("acct_84l2", "1 character"),
    ],
)
def test_another_spelling_is_named_with_both(name: str, words: str) -> None:
    found = compare([row("acct_8412")], [there(name)])
    assert found[0].kind == customers.NEARLY
    assert words in found[0].finding.sentence
    assert f"'{name}'" in found[0].finding.sentence
    assert found[1].kind == customers.UNDECLARED


def test_a_customer_that_an_event_made_is_an_error_even_where_others_are_allowed() -> None:
    made = there("acct_9", metadata={"created_by_workflow": "true"})
    alike = there("acct_8", name="acct_8")
    found = compare([], [made, alike, there("acct_7")], undeclared="allow")
    assert [(one.kind, one.finding.severity) for one in found] == [
        (customers.UNDECLARED, Severity.WARNING),
        (customers.AUTO, Severity.ERROR),
        (customers.AUTO, Severity.ERROR),
    ]


def test_customers_named_like_their_id_are_fine_when_declared_or_subscribed() -> None:
    subscription = {"id": "s", "customer_id": "cust-of-acct_8", "subscription_status": "active"}
    found = compare([row("acct_1")], [there("acct_1", name="acct_1"), there("acct_8", name="acct_8")], subscription)
    assert [one.kind for one in found] == [customers.UNDECLARED]


def test_ignored_prefixes_and_our_own_test_customers_do_not_count() -> None:
    ours = there("golive-1", metadata={"managed_by": "pytest-flexprice"})
    assert compare([], [there("demo-1"), ours], ignore_prefixes=("demo-",)) == []


def test_time_zones_and_rows_declared_twice() -> None:
    found = compare([row("a", timezone="Europe/Berlin"), row("a", timezone="Europe/Berlin")], [there("a")])
    assert [one.kind for one in found] == ["customers declared twice", "customers in another time zone than declared"]


@given(st.sets(st.text(min_size=1, max_size=8), max_size=12), st.sets(st.text(min_size=1, max_size=8), max_size=12))
def test_exactly_what_differs_is_told(wanted: set[str], existing: set[str]) -> None:
    found = compare([row(name) for name in sorted(wanted)], [there(name) for name in sorted(existing)])
    assert {one.subject for one in found if one.kind in (customers.MISSING, customers.NEARLY)} == wanted - existing
    assert {one.subject for one in found if one.kind in (customers.UNDECLARED, customers.AUTO)} == existing - wanted


def test_fifty_thousand_differences_stay_readable() -> None:
    written: list[Told] = []
    findings = summarise(
        iter(compare([row(f"acct_{number}") for number in range(50_000)], [])), written.append, "customers.csv"
    )
    assert len(findings) == 1
    assert len(written) == 50_000
    assert "50,000 declared customers that do not exist" in findings[0].sentence
    assert "customers.csv" in findings[0].sentence
    assert len(findings[0].sentence) < 500


def test_a_file_is_read_row_by_row_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text('\ufeffexternal_id,plan,note\r\n"a,1",pro,x\r\nb,,\r\n', encoding="utf-8")
    plan = Customers(file="c.csv", declared=({"external_id": "z", "currency": "eur"},))
    assert list(declared.rows(plan, tmp_path)) == [
        DeclaredRow("golive.toml: customers.declared 1", "z", {"currency": "eur"}),
        DeclaredRow("c.csv:2", "a,1", {"plan": "pro"}),
        DeclaredRow("c.csv:3", "b", {}),
    ]
    assert declared.header(plan, tmp_path) == ("external_id", "currency", "plan", "note")


def test_a_plan_without_customers_is_not_decided(tmp_path: Path) -> None:
    with pytest.raises(NotDecided):
        list(declared.rows(Customers(), tmp_path))


@pytest.mark.parametrize("text", [None, "id,plan\n1,pro\n", b"external_id\n\xff\n"])
def test_a_file_that_cannot_be_used_is_not_verified(tmp_path: Path, text: object) -> None:
    if text is not None:
        (tmp_path / "c.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(NotVerified, match="customers file"):
        list(declared.rows(Customers(file="c.csv"), tmp_path))


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("cust_01ARZ3NDEKTSV4RRFFQ69G5FAV", Severity.ERROR),
        ("x" * 256, Severity.ERROR),
        ("", Severity.ERROR),
        ("a ", Severity.WARNING),
        ("a/b", Severity.WARNING),
    ],
)
def test_odd_external_ids(name: str, severity: Severity) -> None:
    found = declared.odd_id(row(name))
    assert found is not None
    assert found.severity is severity
    assert declared.odd_id(row("acct_1")) is None


def test_a_misspelt_column_is_an_error_and_another_is_not() -> None:
    found = declared.unknown_columns(["external_id", "colection_method", "crm_owner", "name"], "customers")
    assert [one.severity for one in found] == [Severity.ERROR, Severity.INFO]


def test_neighbouring_numbers_are_no_near_miss() -> None:
    found = compare([row("acct_8412")], [there("acct_8413")])
    assert [one.kind for one in found] == [customers.MISSING, customers.UNDECLARED]


def test_a_time_zone_that_no_row_declares_is_worth_a_warning() -> None:
    existing = [there("a", timezone="Asia/Tokyo"), there("b", timezone="Asia/Tokyo"), there("c")]
    found = compare([row("a"), row("b", timezone="Asia/Tokyo"), row("c")], existing)
    assert [(one.subject, one.finding.severity) for one in found] == [("a", Severity.WARNING)]
    assert "has a time zone that its row says nothing about: Asia/Tokyo" in found[0].finding.sentence


@pytest.mark.parametrize(
    ("names", "billed", "told"),
    [
        (("Acme", " acme"), "ab", ["a", "b"]),
        (("Acme", "Acme"), "a", []),
        (("Acme", "Apex"), "ab", []),
        (("", ""), "ab", []),
    ],
)
def test_two_customers_of_one_name_may_be_one_that_is_billed_twice(
    names: tuple[str, str], billed: str, told: list
) -> None:
    existing = [there(one, name=name) for one, name in zip("ab", names, strict=True)]
    subscribed = [{"id": one, "customer_id": f"cust-of-{one}", "subscription_status": "active"} for one in billed]
    found = compare([row("a"), row("b")], existing, *subscribed)
    assert len(found) == bool(told)
    assert all(one.finding.severity is Severity.WARNING for one in found)
    assert all("2 customers with a subscription are called 'Acme' ('a', 'b')" in one.finding.sentence for one in found)
