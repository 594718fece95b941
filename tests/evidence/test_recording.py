"""A whole run: what is recorded, judged, written, printed, with and without xdist."""

import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_a_run_leaves_every_outcome_in_its_evidence(suite, workers):
    result = suite.write().run(*workers)
    assert result.ret == 1
    items = suite.items()
    states = {number: items[number]["state"] for number in ("2.1", "2.2", "4.1", "4.2", "5.2", "6.1", "7.1", "8.1")}
    assert states == {
        "2.1": "passed",
        "2.2": "failed",
        "4.1": "not verified",
        "4.2": "not verified",
        "5.2": "failed",
        "6.1": "failed",
        "7.1": "passed",
        "8.1": "not run",
    }
    assert len(items) == 26
    assert items["2.2"]["why"].startswith("'Model.completion' has no published meter (expected 'model.completion'")
    assert suite.document["verdict"]["word"] == "NOT READY"
    result.stdout.fnmatch_lines(["*NOT READY: 3 items failed: 2.2, 5.2 and 6.1.*"])
