"""The how-to pages about webhook handlers say what is true: their files are written out as they stand and run."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import yaml

from pytest_flexprice.model.finding import RequirementNotMet
from pytest_flexprice.rehearsal.handler import DemoHandler
from pytest_flexprice.trial import webhook_probes

pytest_plugins = ["pytester"]
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGES = sorted(HOW_TO.glob("webhook-handler-*.md"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BLOCK = re.compile(r'^```python title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


@contextmanager
def served(app):
    app.logger.disabled = True
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def files_of(page):
    return dict(BLOCK.findall(page.read_text(encoding="utf-8")))


def test_there_is_a_page_for_each_framework():
    assert {page.stem.rsplit("-", 1)[1] for page in PAGES} == {"django", "express", "fastapi", "flask", "go"}


@pytest.mark.parametrize("page", [page for page in PAGES if files_of(page)], ids=lambda page: page.stem)
def test_the_files_of_a_page_work_as_shown(page, pytester):
    files = files_of(page)
    assert "billing.py" in files
    for name, text in files.items():
        (pytester.path / name).write_text(text, encoding="utf-8")
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:allure_pytest_bdd", "-q")
    result.assert_outcomes(passed=sum(text.count("\ndef test_") for text in files.values()))


@pytest.mark.parametrize(("fault", "told"), [("", ""), ("F118", "accepts a message without a signature")])
def test_the_test_for_a_companys_ci_works_as_shown(pytester, monkeypatch, fault, told):
    for name, text in files_of(HOW_TO / "try-a-webhook-handler.md").items():
        (pytester.path / name).write_text(text, encoding="utf-8")
    with DemoHandler(SECRET, fault) as handler:
        monkeypatch.setenv("HANDLER_URL", handler.url)
        monkeypatch.setenv("ACME_WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("PROCESSED_URL", handler.processed_url)
        result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:allure_pytest_bdd", "-q")
    result.assert_outcomes(failed=1 if told else 0, passed=0 if told else 1)
    shown = result.stdout.str()
    assert told in shown
    assert "trial.py:" not in shown
    assert SECRET not in shown


def test_the_job_for_a_companys_ci_is_yaml_with_what_the_test_needs():
    page = (HOW_TO / "try-a-webhook-handler.md").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]).values()
    wanted = re.findall(
        r'environ(?:\.get\(|\[)"(\w+)"', files_of(HOW_TO / "try-a-webhook-handler.md")["test_webhook_handler.py"]
    )
    assert set(wanted) | {"PORT"} == set(job["env"])
    assert "pytest test_webhook_handler.py" in job["steps"][-1]["run"]


MISTAKES = [
    ("body = request.get_data()", "body = __import__('json').dumps(request.json).encode()", "re-encod"),
    (
        'return "", 204',
        'return "", 204 if message["event_type"] == "invoice.update.finalized" else 400',
        "answer 2xx to",
    ),
    ("except (WebhookVerificationError, ValueError)", "except WebhookVerificationError", "malformed signature"),
    ('return "", 401', "message = request.get_json(force=True)", "accepts a message without a signature"),
]


@pytest.mark.parametrize(("healthy", "broken", "sentence"), MISTAKES)
def test_a_mistake_in_the_handler_is_told_in_a_sentence(monkeypatch, healthy, broken, sentence):
    text = files_of(HOW_TO / "webhook-handler-flask.md")["billing.py"]
    assert healthy in text
    monkeypatch.setenv("ACME_WEBHOOK_SECRET", SECRET)
    names = {"__name__": "billing"}
    exec(compile(text.replace(healthy, broken), "billing.py", "exec"), names)
    with served(names["app"]) as url, pytest.raises(RequirementNotMet, match=sentence):
        webhook_probes(f"{url}/flexprice", SECRET)


@pytest.mark.parametrize(("by_message", "repeated"), [(True, False), (False, True)])
def test_processing_twice_is_told_and_processing_two_messages_is_not(monkeypatch, by_message, repeated):
    """A handler may go by the message's id alone: no two sets of probes share an invoice."""
    text = files_of(HOW_TO / "webhook-handler-flask.md")["billing.py"]
    monkeypatch.setenv("ACME_WEBHOOK_SECRET", SECRET)
    names = {"__name__": "billing"}
    exec(compile(text, "billing.py", "exec"), names)

    def book(invoice_id, message_id):
        ids = names["booked"].setdefault(f"invoice.update.finalized {invoice_id}", [])
        if not (by_message and message_id in ids):
            ids.append(message_id)

    names["book_once"] = book
    with served(names["app"]) as url:
        processed = f"{url}/processed/{{invoice_id}}"
        if repeated:
            with pytest.raises(RequirementNotMet, match="processed 2 times"):
                webhook_probes(f"{url}/flexprice", SECRET, processed=processed)
        else:
            assert webhook_probes(f"{url}/flexprice", SECRET, processed=processed) == []
