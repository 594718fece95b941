"""What the documentation shows works as it is shown, and what it lists is what there is."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model import plan_file
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.rehearsal.start import known_faults
from tests.suite import PROJECT, rehearse

DOCS = PROJECT / "docs"


def blocks(name: str) -> list[str]:
    """The Python examples of a page."""
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def pipeline() -> ThreadingHTTPServer:
    """A company's own ingest service: it hands events on to Flexprice, whose address it is told by the first run's header."""

    class Service(BaseHTTPRequestHandler):
        received: ClassVar[list[dict[str, object]]] = []

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.received.append(json.loads(body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_events_leave_through_the_companys_own_pipeline(tmp_path: Path, pipeline: ThreadingHTTPServer) -> None:
    override = blocks("how-to/own-pipeline.md")[0]
    address = f"http://127.0.0.1:{pipeline.server_address[1]}"
    (tmp_path / "conftest.py").write_text(override.replace("{pipeline}", address))
    outcome = rehearse(tmp_path, "-k", "accepted_one_by_one or appear_in_the_event_debugger", "-p", "no:randomly")
    received = pipeline.RequestHandlerClass.received  # type: ignore[attr-defined] # set above
    assert {event["customer"] for event in received} == {received[0]["customer"]}
    assert str(received[0]["customer"]).startswith("golive-")
    # This pipeline swallows everything, and that is what the ladder must say.
    assert outcome.items["7.1"] == "not run" or "7.1" not in outcome.red_items
    assert "3.2" in outcome.red_items
    assert "was accepted, but the Event Debugger does not show it" in "\n".join(outcome.red.values())


def test_the_doubles_work_as_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(blocks("how-to/unit-tests.md")[0])
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_the_published_schema_is_that_of_the_plan() -> None:
    written = (DOCS / "reference" / "plan.schema.json").read_text(encoding="utf-8")
    assert written == plan_file.json_schema() + "\n"


def test_every_key_of_the_plan_is_described() -> None:
    page = (DOCS / "reference" / "plan.md").read_text(encoding="utf-8")
    models = [
        plans.GoLivePlan,
        plans.Environment,
        plans.Client,
        plans.EventKind,
        plans.CatalogTable,
        plans.AcceptedDifference,
        plans.Customers,
    ]
    models += [Traffic, plans.Invoicing, plans.Webhooks, plans.Handler, plans.Waiver, plans.Attestation]
    keys = {name for model in models for name in model.model_fields} - {"path"}
    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()


def test_every_fault_of_a_rehearsal_is_listed() -> None:
    page = (DOCS / "reference" / "faults.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|$", page, re.MULTILINE))
    assert listed == known_faults()


def test_links_between_pages_lead_somewhere() -> None:
    pages = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_generated_pages_follow_from_the_code() -> None:
    spec = spec_from_file_location("write", DOCS / "reference" / "write.py")
    assert spec is not None
    assert spec.loader is not None
    write = module_from_spec(spec)
    spec.loader.exec_module(write)
    assert (DOCS / "reference" / "customers.md").read_text(encoding="utf-8") == write.columns_page()
    assert (DOCS / "reference" / "every-option.md").read_text(encoding="utf-8") == write.options_page()


def test_the_example_companys_repository_is_green_in_a_rehearsal(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "examples" / "acme", tmp_path, dirs_exist_ok=True)
    plan = tmp_path / "golive.toml"
    recent = (datetime.now(UTC).date() - timedelta(days=20)).isoformat()
    plan.write_text(plan.read_text(encoding="utf-8").replace("2026-11-02", recent), encoding="utf-8")
    outcome = rehearse(tmp_path)
    assert outcome.red == {}, outcome.output
    assert outcome.code == 0, outcome.output
    assert "Every converted document has pages" in {scenario["name"] for scenario in outcome.document["scenarios"]}
