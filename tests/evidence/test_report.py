"""The renderings of a run: complete, valid, without outside references, and safe whatever a value holds."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import fromstring

import jsonschema
import pytest

from pytest_flexprice.evidence import report
from pytest_flexprice.evidence.document import Document, json_schema
from pytest_flexprice.evidence.junit import junit
from pytest_flexprice.evidence.records import FindingRecord, ObservationRecord, trimmed
from pytest_flexprice.evidence.report import as_html, as_json, as_markdown
from pytest_flexprice.evidence.sidebyside import grouped
from pytest_flexprice.model.checklist import ITEMS
from pytest_flexprice.model.finding import Finding

from . import samples
from .samples import HOSTILE

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "golive.schema.json"


DOCUMENTS = {
    "troubled": samples.troubled(),
    "ready": samples.run(samples.invoice()),
    "rehearsal": samples.troubled(rehearsal=True),
    "read": samples.run(level=samples.Level.READ),
    "left behind": samples.run(leftovers=["a subscription is still active; cancel it."]),
    "empty": samples.run().model_copy(update={"scenarios": [], "exchanges": {"count": 0}}),
}
DOCUMENTS["empty"].verdict.items[0].scenarios.clear()
for _item in DOCUMENTS["empty"].verdict.items:
    _item.scenarios.clear()


def test_the_published_schema_is_the_one_in_force():
    assert SCHEMA.read_text("utf-8") == json_schema()


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_golive_json_is_valid_and_says_the_same_again(document):
    text = as_json(document)
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text("utf-8")))
    jsonschema.validate(json.loads(text), json.loads(SCHEMA.read_text("utf-8")))
    assert Document.model_validate_json(text) == document


def test_the_schema_refuses_what_is_no_verdict():
    data = json.loads(as_json(DOCUMENTS["ready"]))
    data["verdict"]["items"][0]["state"] = "green"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json.loads(SCHEMA.read_text("utf-8")))


class _Page(HTMLParser):
    """Collects what a page refers to, and checks that its tags close."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.outside, self.words = [], [], [], [], []
        self.headings = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        for name in ("src", "href", "srcset", "action", "data"):
            target = values.get(name)
            if target and target.startswith("#"):
                self.links.append(target[1:])
            elif target:
                self.outside.append(target)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_the_page_is_whole_and_needs_nothing_from_outside(document):
    text = as_html(document)
    page = _Page(text)
    assert page.outside == []
    assert "url(" not in text
    assert "@import" not in text
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) <= set(page.ids)
    assert {f"item-{item.id.replace('.', '-')}" for item in ITEMS} <= set(page.ids)
    shown = " ".join(" ".join(page.words).split())
    assert document.verdict.label in shown
    for item in document.verdict.items:
        assert " ".join(item.title.split()) in shown
    for record in document.scenarios:
        assert record.name in shown
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps), "headings skip a level"


def test_a_rehearsal_is_marked_in_every_section():
    text = as_html(DOCUMENTS["rehearsal"])
    headings = re.findall(r"<h[23][^>]*>(.*?)</h[23]>", text, re.S)
    assert len(headings) >= 12
    assert all("Rehearsal" in heading for heading in headings)
    assert "@top-right" in text
    assert 'class="mark"' not in as_html(DOCUMENTS["ready"])


def test_hostile_values_stay_text():
    record = FindingRecord.of(Finding("2.2", HOSTILE, HOSTILE, expected=HOSTILE, observed=HOSTILE), "2.2")
    seen = ObservationRecord(
        title=HOSTILE,
        at=samples.NOW,
        step=0,
        expected={HOSTILE: 1},
        observed=[HOSTILE],
        findings=[0],
    )
    bad = samples.scenario(
        "2.2",
        name=HOSTILE,
        outcome="failed",
        message=HOSTILE,
        findings=[record],
        observations=[seen],
        findings_total=1,
    )
    document = samples.run(bad)
    document.run.base_url = document.run.company = document.run.environment = HOSTILE
    page = as_html(document)
    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "49" not in re.findall(r"<title>.*?</title>", page, re.S)[0]
    root = fromstring(junit(document))
    case = next(one for one in root.iter("testcase") if "alert" in one.get("name"))
    assert "\x00" not in case.get("name")
    lines = as_markdown(document).splitlines()
    row = next(line for line in lines if line.startswith("| 2.2"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert "<script>" not in row


def test_junit_tells_failures_from_errors_from_skips():
    special = [
        samples.event_names(),
        samples.processed(),
        samples.scenario("1.1", outcome="failed", broken=True, message="The scenario itself broke: KeyError"),
        samples.scenario("1.2", outcome="not run", message="Its worker crashed while it ran."),
        samples.scenario("1.3", outcome="not decided", message="Nobody decided."),
        samples.scenario("2.1", outcome="not run", deselected=True),
    ]
    suite = fromstring(junit(samples.run(*special))).find("testsuite")
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "25",
        "failures": "2",
        "errors": "2",
        "skipped": "1",
    }
    cases = {case.find("properties/property[@name='items']").get("value"): case for case in suite.findall("testcase")}
    assert cases["2.2"].find("failure").text.count("no published meter") == 5
    assert cases["7.4"].find("error").get("type") == "not verified"
    assert cases["1.2"].find("skipped").get("message") == "Its worker crashed while it ran."
    assert "2.1" not in cases


def test_markdown_has_every_item_and_groups_findings():
    text = as_markdown(DOCUMENTS["troubled"])
    assert text.startswith("# NOT READY: Acme, environment `prod`\n")
    assert len(re.findall(r"^\| \d\.\d \|", text, re.M)) == 26
    assert "(2 more like this)" in text
    assert "> **Rehearsal**" in as_markdown(DOCUMENTS["rehearsal"])


def test_alike_findings_are_gathered():
    findings = [FindingRecord.of(Finding("4.1", f"row {n}", f"customer 'c-{n}' is missing"), "4.1") for n in range(40)]
    other = FindingRecord.of(Finding("4.1", "row 9", "customer 'c-9' has another currency"), "4.1")
    assert [group.count for group in grouped([*findings, other])] == [40, 1]


def test_long_values_are_shortened_with_a_note():
    assert trimmed(list(range(300)))[-1] == "… 100 more"
    assert trimmed("x" * 5000).endswith("… (1000 more characters)")
    assert trimmed({str(n): n for n in range(300)})["…"] == "100 more"
    assert trimmed(2**60) == str(2**60)


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_every_item_is_kept_by_exactly_one_filter(document):
    page = as_html(document)
    buttons = re.findall(r'<button type="button" data-show="([^"]+)" aria-pressed="false">[^<]* (\d+)</button>', page)
    states = re.findall(r'<details class="item [^>]* data-state="([^"]+)"', page)
    assert len(states) == len(ITEMS)
    kept = {name: int(count) for name, count in buttons}
    assert kept == {name: sum(state in name.split("|") for state in states) for name in kept}
    assert sum(kept.values()) == len(states)
    assert all(kept.values())
    assert f'aria-pressed="true">All {len(ITEMS)}</button>' in page
    assert set(report.STATES) == {state for _, states in report.FILTERS for state in states}


CSS = (Path(report.__file__).parent / "templates" / "golive.css").read_text("utf-8")


PAIRS = [
    *[(ink, paper) for ink in ("ink", "soft") for paper in ("page", "card")],
    *[(f"{word}", f"{word}-bg") for word in ("good", "bad", "warn", "said", "idle")],
    *[(word, "card") for word in ("good", "bad", "warn", "said")],
    *[("ink", f"{word}-bg") for word in ("bad", "warn", "idle")],
    ("soft", "bad-bg"),
]


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), PAIRS)
def test_text_stands_out_from_its_ground(palette, ink, paper):
    roots = re.findall(r":root \{(.*?)\}", CSS, re.S)
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", roots[palette]))
    full = {
        name: value if len(value) == 7 else "#" + "".join(2 * each for each in value[1:])
        for name, value in colours.items()
    }
    light, dark = sorted((luminance(full[ink]), luminance(full[paper])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_only_the_page_itself_may_style_and_script():
    page = as_html(DOCUMENTS["troubled"])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "unsafe-inline" not in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert not re.findall(r"\s(style|on\w+)=", page)
    assert "\x00" not in as_html(samples.run(samples.scenario("1.1", name="a\x00b")))


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://evil.example/x.png)",
        "[open](javascript:alert(1))",
        "<script>alert(1)</script>",
        "\x1b]52;c;AAAA\x07 \x00 \udc80",
        "a\n\n# headline\n\n[x]: http://evil.example",
        "`code` [![x](y)](z)",
    ],
)
def test_data_is_no_markdown(text):
    bad = samples.scenario("2.2", name=text, outcome="failed", message=text)
    document = samples.run(bad, leftovers=[text])
    lines = as_markdown(document)
    lines.encode("utf-8")
    assert not re.search(r"(?<!\\)\[[^\]]*\]\((?!\))", lines.replace("[CI run](", ""))
    assert not {"\x1b", "\x07", "\x00"} & set(lines)
    assert "<script" not in lines
    assert "\n# headline" not in lines
    assert "\n[x]:" not in lines
