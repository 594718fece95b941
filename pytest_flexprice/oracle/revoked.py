"""Old keys, and where they still are, as pure functions (checklist 1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_flexprice.model.finding import Finding, Kind
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.oracle.access import display_id

_KEY = re.compile(r"\bsk_[0-9A-HJKMNP-TV-Z]{26}\b")


@dataclass(frozen=True)
class OldKey:
    """What became of an old key: the variable that holds it, its shown form, and the status it got (None: not set)."""

    variable: str
    shown: str
    status: int | None


def living_old_keys(keys: Iterable[OldKey]) -> list[Finding]:
    """Old keys that still work (checklist 1.4); a deleted key that was used works on for up to two minutes (contract 1.7)."""
    findings = []
    for key in keys:
        path = f"old key {key.variable}"
        if key.status is None:
            findings.append(
                Finding(
                    "1.4",
                    path,
                    f"the old key in {key.variable} could not be tried, because that variable is not set",
                    remedy="set it for this run, or remove it from old_keys with an attestation for item 1.4",
                    kind=Kind.NOT_VERIFIED,
                )
            )
        elif key.status != 401:
            findings.append(
                Finding(
                    "1.4",
                    path,
                    f"the old key {key.shown} from {key.variable} still authenticates",
                    401,
                    key.status,
                    consequence="a system that still has it goes on billing to the wrong place",
                    remedy="revoke it in its own environment (a key that was used works on for up to two minutes)",
                )
            )
    return findings


def undeclared_old_keys(environment: Environment, name: str, attested: bool) -> list[Finding]:
    """Whether the plan says anything about old keys of an environment that is live."""
    if environment.old_keys or environment.old_key_ids or attested:
        return []
    return [
        Finding(
            "1.4",
            f"golive.toml: environments.{name}.old_keys",
            "the plan names no old key that must be dead",
            remedy="name the variables that hold old keys, or attest under item 1.4 that there never were any",
            kind=Kind.NOT_DECIDED,
        )
    ]


def listed_old_keys(keys: Iterable[Mapping[str, Any]], declared: Iterable[str]) -> list[Finding]:
    """Old keys, by id, that are still in the key list (checklist 1.4)."""
    gone = set(declared)
    return [
        Finding(
            "1.4",
            f"API key {key['id']}",
            f"the key '{key.get('name', '')}' ({key.get('display_id', '')}, of {key.get('user_id', 'nobody')}) was declared "
            "revoked, but is listed",
            remedy="delete it",
        )
        for key in keys
        if key.get("id") in gone
    ]


def scan_text(
    path: Path, text: str, old_keys: Mapping[str, str], own_key: str, foreign: Mapping[str, str]
) -> list[Finding]:
    """Old keys and ids of other environments in a deployed configuration file.

    ``old_keys`` maps variables to values, ``foreign`` environment ids to the names of those environments.
    """
    findings = []
    for number, line in enumerate(text.splitlines(), 1):
        name = _setting_name(line)
        known = {value: variable for variable, value in old_keys.items() if value and value in line}
        for value, variable in known.items():
            findings.append(_in_file(path, number, name, f"the old key {display_id(value)} from {variable}"))
        for match in _KEY.findall(line):
            if match != own_key and match not in known:
                findings.append(
                    _in_file(path, number, name, f"an API key {display_id(match)} that is not the one in use")
                )
        for identifier, environment in foreign.items():
            if identifier in line:
                findings.append(_in_file(path, number, name, f"the id of environment {environment}, '{identifier}'"))
    return findings


def _in_file(path: Path, number: int, name: str, what: str) -> Finding:
    return Finding(
        "1.4",
        f"{path}:{number}",
        f"{path}:{number}{f' ({name})' if name else ''} holds {what}",
        consequence="what is deployed from it talks to the wrong environment",
        remedy="replace it and deploy again",
    )


def _setting_name(line: str) -> str:
    match = re.match(r"""^\s*(?:export\s+)?["']?([A-Za-z_][\w.-]*)["']?\s*[=:]""", line)
    return match.group(1) if match else ""
