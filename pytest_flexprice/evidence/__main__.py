"""``python -m pytest_flexprice.evidence verify ZIP``: for whoever receives evidence, the job that deploys, and a CI that tells of a run."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_flexprice.evidence import ci_words
from pytest_flexprice.evidence.attestation import KeyRefused
from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.gate import ReleaseGate
from pytest_flexprice.evidence.opened import NoEvidence, open_evidence
from pytest_flexprice.evidence.verify import NOT_WHOLE, examine
from pytest_flexprice.model.checklist import Level

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no age; write 90m, 24h or 7d")
    return timedelta(**{_UNITS[found.group(2)]: int(found.group(1))})


def _commit(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{7,64}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no commit; write its SHA, or at least 7 characters of it")
    return text


def _level(text: str) -> Level:
    words = {level.word: level for level in Level}
    if text not in words:
        raise argparse.ArgumentTypeError(f"'{text}' is no level; write one of {', '.join(words)}")
    return words[text]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_flexprice.evidence", description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    told = tasks.add_parser(
        "changes", help="what changed since the last run, as a text to send; nothing where nothing did"
    )
    told.add_argument("evidence", type=Path, metavar="RUN", help="golive-evidence-….zip, or the folder of a run")
    marked = tasks.add_parser("annotations", help="what is red or waived, on the plan's lines, as a CI reads it")
    marked.add_argument("evidence", type=Path, metavar="RUN", help="golive-evidence-….zip, or the folder of a run")
    marked.add_argument("--plan", type=Path, default=Path("golive.toml"), metavar="FILE", help="default: golive.toml")
    marked.add_argument("--format", choices=("github", "gitlab"), default="github", help="default: github")
    verify = tasks.add_parser(
        "verify",
        help="whether anything was changed, who made it and of what, and whether it is enough for a release",
        epilog="Exit code 0: whole, and all that was asked for holds; 1: whole, but not enough; 2: not whole, or not signed as asked.",
    )
    verify.add_argument("evidence", type=Path, metavar="ZIP", help="golive-evidence-….zip, or the folder of a run")
    verify.add_argument("--key", type=Path, metavar="PEM", help="the public key with which it must have been signed")
    verify.add_argument("--environment", metavar="NAME", help="the environment's name in the plan, or its id")
    verify.add_argument("--level", type=_level, metavar="LEVEL", help="the lowest level that is enough")
    verify.add_argument("--not-older-than", type=_age, metavar="AGE", dest="age", help="90m, 24h, 7d")
    verify.add_argument("--commit", type=_commit, metavar="SHA", help="the commit of your repository it must be of")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; what it returns is the exit code."""
    given = _parser().parse_args(arguments)
    return _verify(given) if given.task == "verify" else _tell(given)


def _tell(given: argparse.Namespace) -> int:
    """Print a run for a CI, which goes on whatever it says."""
    try:
        document = Document.model_validate_json(open_evidence(given.evidence).files["golive.json"])
    except (NoEvidence, KeyError, ValueError) as reason:
        said = (
            reason if isinstance(reason, NoEvidence) else f"{given.evidence}: there is no golive.json that can be read"
        )
        print(f"NOT READ: {said}", file=sys.stderr)  # noqa: T201 - a command's answer
        return NOT_WHOLE
    if given.task == "changes":
        print(ci_words.changes(document), end="")  # noqa: T201
        return 0
    plan = given.plan.read_text(encoding="utf-8", errors="replace") if given.plan.is_file() else ""
    if given.format == "gitlab":
        print(json.dumps(ci_words.quality(document, plan, given.plan.as_posix()), indent=2))  # noqa: T201
        return 0
    for line in ci_words.annotated(document, plan, given.plan.as_posix()):
        print(_plain(line))  # noqa: T201
    return 0


def _verify(given: argparse.Namespace) -> int:
    gate = ReleaseGate(
        environment=given.environment, level=given.level, age=given.age, key=given.key, commit=given.commit
    )
    try:
        found = examine(given.evidence, gate, datetime.now(UTC))
    except (NoEvidence, KeyRefused) as reason:
        print(f"NOT VERIFIED: {reason}")  # noqa: T201 - a command's answer
        return NOT_WHOLE
    for line in (
        *found.facts,
        *(f"DAMAGED: {sentence}." for sentence in found.damage),
        *(f"NOT ENOUGH: {sentence.rstrip('.')}." for sentence in found.misses),
    ):
        print(_plain(line))  # noqa: T201
    if found.exit_code == 0:
        print("VERIFIED: nothing was changed, removed or added since the run.")  # noqa: T201
    return found.exit_code


def _plain(line: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


if __name__ == "__main__":
    sys.exit(main())
