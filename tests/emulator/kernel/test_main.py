"""The emulator on its own, as a command."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import pytest_flexprice.rehearsal.demo
from pytest_flexprice.emulator.__main__ import main

COMMAND = [sys.executable, "-m", "pytest_flexprice.emulator"]
DEMO = Path(pytest_flexprice.rehearsal.demo.__file__).parent / "golive.toml"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT], ids=["terminated", "interrupted"])
def test_it_prints_its_address_serves_and_stops_cleanly(ending: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[-1]
        key = running.stdout.readline().split()[-1]
        answer = requests.get(f"{url}/v1/users/me", headers={"x-api-key": key}, timeout=10)
        assert answer.json()["roles"] == ["super_admin"]
        running.send_signal(ending)
        _out, errors = running.communicate(timeout=10)
    assert (running.returncode, errors) == (0, "")


def test_it_is_filled_from_a_plan() -> None:
    command = [*COMMAND, "--port", "0", "--seed", str(DEMO)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline().split() for _ in range(4)]
        url, production = lines[0][-1], lines[2][-1]
        answer = requests.get(f"{url}/v1/customers", headers={"x-api-key": production}, timeout=10)
        assert answer.json()["pagination"]["total"] > 0
        assert {row["environment_id"] for row in answer.json()["items"]} == {"00000000-0000-0000-0000-000000000001"}
        running.terminate()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "/nonexistent/golive.toml"], "there is no such plan file"),
        (["--fault", "F999"], "--fault F999: there is no such fault"),
        (["--lag", "soon"], "--lag soon: give seconds or the word manual"),
    ],
    ids=["plan", "fault", "lag"],
)
def test_mistakes_end_in_a_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code != 0
    errors = capsys.readouterr().err
    assert words in errors
    assert "Traceback" not in errors


def test_a_taken_port_ends_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
