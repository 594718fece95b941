"""The report in a real browser: it opens from disk, unfolds, follows links, prints, and fetches nothing."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_flexprice.evidence import allure_report
from pytest_flexprice.evidence.judged import STATES
from pytest_flexprice.evidence.report import as_html

from . import samples
from .test_drift import changed

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome found on the PATH")
QUIET = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


#: What ``npm ci --prefix .ci/npm`` installs, here or where the variable says.
NPM = Path(os.environ.get("GOLIVE_NPM", Path(__file__).parents[2] / ".ci" / "npm")) / "node_modules"
AXE = NPM / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="no axe-core; install it with: npm ci --prefix .ci/npm")


@pytest.fixture
def browser(tmp_path):
    """Runs the browser on a page with its own profile; gives what it printed."""

    def run(*arguments):
        command = [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    return run


@pytest.fixture
def page(tmp_path):
    """The report of a run with trouble, as a file's address."""
    path = tmp_path / "golive.html"
    path.write_text(as_html(samples.troubled()), encoding="utf-8")
    return path.as_uri()


def items(dom):
    """Which items are unfolded."""
    found = re.findall(r'<details class="item[^"]*" id="(item-[\d-]+)"[^>]*?( open="")?>', dom)
    return {name: bool(unfolded) for name, unfolded in found}


def test_what_failed_is_open_and_its_script_runs(browser, page):
    dom = browser("--dump-dom", page)
    unfolded = [name for name, is_open in items(dom).items() if is_open]
    assert unfolded == ["item-2-2", "item-7-4"]
    assert re.search(r'<p class="tools">', dom), "the script did not run"


def test_a_link_to_an_item_unfolds_it(browser, page):
    assert items(browser("--dump-dom", page + "#item-5-3"))["item-5-3"]


def framed(page, width, act, seen):
    """A page that shows another one in a frame of that width, unfolded, acts on it, and takes what it then sees as its title."""
    return (
        f'<!doctype html><iframe width="{width}" height="900" srcdoc="{html.escape(page)}"></iframe><script>'
        "onload = function () { var page = document.querySelector('iframe').contentDocument;"
        "page.querySelectorAll('details').forEach(function (one) { one.open = true; });"
        f"(function () {{ {act} }})(); document.title = (function () {{ {seen} }})(); }};</script>"
    )


HANDS = """
  var view = page.defaultView;
  var press = function (name) {
    page.querySelectorAll('[data-show]').forEach(function (one) { if (one.textContent.indexOf(name) === 0) one.click(); });
  };
  var choose = function (section) {
    var all = page.querySelector('select');
    all.value = section;
    all.dispatchEvent(new view.Event('change', {bubbles: true}));
  };
  var follow = function (id) { page.querySelector('a[href="#' + id + '"]').click(); };
"""
SEEN = """
  var ids = [];
  page.querySelectorAll('details.item').forEach(function (one) { if (one.offsetParent) ids.push(one.id); });
  var texts = function (what) { return Array.from(page.querySelectorAll(what)).map(function (one) { return one.textContent; }); };
  return [ids.join(' '), texts('[aria-pressed=true]').join(), texts('[role=status]').join()].join('/');
"""


@pytest.mark.parametrize(
    ("act", "states", "section", "pressed"),
    [
        ("press('Red')", ("failed", "not decided"), "", "Red"),
        ("press('Red'); choose('7')", ("failed", "not decided"), "7", "Red"),
        ("press('Waived')", ("waived",), "", "Waived"),
        ("choose('2')", STATES, "2", "All"),
        ("press('Red'); press('All')", STATES, "", "All"),
        ("press('Waived'); follow('item-7-4')", STATES, "", "All"),
    ],
)
def test_a_filter_shows_its_items_and_says_how_many(browser, tmp_path, act, states, section, pressed):
    document = samples.troubled()
    items = document.verdict.items
    kept = [item.id for item in items if item.state in states and str(item.section).startswith(section)]
    path = tmp_path / "filtered.html"
    path.write_text(framed(as_html(document), 800, HANDS + act, SEEN), encoding="utf-8")
    shown, button, told = re.search(r"<title>(.*)</title>", browser("--dump-dom", path.as_uri()))[1].split("/")
    assert shown.split() == [f"item-{number.replace('.', '-')}" for number in kept]
    assert button.split()[0] == pressed
    assert told == ("" if len(kept) == len(items) else f"{len(kept)} of {len(items)} items shown")


@pytest.mark.parametrize("document", [samples.troubled(), samples.laid_out()], ids=["troubled", "laid out"])
def test_nothing_is_wider_than_a_narrow_screen(browser, tmp_path, document):
    path = tmp_path / "narrow.html"
    measured = "var root = page.documentElement; return 'w' + root.scrollWidth + '/' + root.clientWidth;"
    path.write_text(framed(as_html(document), 400, "", measured), encoding="utf-8")
    dom = browser("--dump-dom", path.as_uri())
    wide, window = map(int, re.search(r"<title>w(\d+)/(\d+)</title>", dom).groups())
    assert wide <= window <= 400


def test_it_prints_every_item_unfolded_and_marked(browser, tmp_path):
    path = tmp_path / "rehearsal.html"
    path.write_text(as_html(samples.troubled(rehearsal=True)), encoding="utf-8")
    target = tmp_path / "golive.pdf"
    browser(f"--print-to-pdf={target}", path.as_uri())
    pages = re.findall(rb"/Type\s*/Page\b", target.read_bytes())
    assert len(pages) >= 8, "folded items were not unfolded for paper"


def test_it_has_a_picture(browser, page, tmp_path):
    picture = tmp_path / "golive.png"
    browser("--window-size=1200,1600", f"--screenshot={picture}", page)
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 50_000, "the page is blank"


ALLURE = NPM / ".bin" / "allure"


@pytest.mark.skipif(not ALLURE.exists(), reason="no allure command; install it with: npm ci --prefix .ci/npm")
def test_allures_own_report_shows_the_scenarios_and_keeps_its_history(browser, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{ALLURE.parent}{os.pathsep}{os.environ['PATH']}")
    run = tmp_path / "prod" / "run-1"
    (run / "allure-results").mkdir(parents=True)
    result = {
        "uuid": "a",
        "historyId": "h",
        "name": "Every old key is refused",
        "status": "failed",
        "start": 1,
        "stop": 9,
    }
    (run / "allure-results" / "a-result.json").write_text(json.dumps(result))
    for _ in range(2):
        assert allure_report.generate(run, run / "allure-results", tmp_path / "history", "read", "require").endswith(
            "html"
        )
    dom = browser("--virtual-time-budget=20000", "--dump-dom", (run / "allure.html").as_uri())
    assert "Every old key is refused" in dom
    assert len((tmp_path / "history" / "allure-read.jsonl").read_text().splitlines()) == 2


ASK_AXE = """
  document.querySelectorAll('details').forEach(function (one) { one.open = true; });
  document.title = 'asked';
  axe.run(document, {resultTypes: ['violations']}).then(function (told) {
    var found = told.violations.map(function (rule) {
      return [rule.id].concat(rule.nodes.slice(0, 3).map(function (node) { return node.html; }));
    });
    document.documentElement.setAttribute('data-axe', JSON.stringify({rules: told.passes.length, found: found}));
  });
"""


def with_axe(page):
    """The page with axe in it, and without the policy that forbids such scripts."""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    return page.replace("</body>", f"<script>{AXE.read_text('utf-8')}</script><script>{ASK_AXE}</script></body>")


@needs_axe
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize(
    "make",
    [samples.run, samples.troubled, samples.laid_out, changed, lambda: samples.run(rehearsal=True)],
    ids=["green", "red and waived", "layouts", "changed", "rehearsal"],
)
def test_axe_finds_no_violation(browser, tmp_path, make, colours):
    path = tmp_path / "axe.html"
    path.write_text(with_axe(as_html(make())), encoding="utf-8")
    dark = ["--blink-settings=preferredColorScheme=0"] if colours == "dark" else []
    dom = browser("--virtual-time-budget=60000", "--window-size=1200,900", *dark, "--dump-dom", path.as_uri())
    told = json.loads(html.unescape(re.search(r'data-axe="([^"]*)"', dom)[1]))
    assert told["found"] == []
    assert told["rules"] > 20
