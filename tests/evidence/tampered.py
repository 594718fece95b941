"""A signed run at level lint, so that it is quick, and how its evidence is looked at and written anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_flexprice.evidence import attestation
from pytest_flexprice.evidence.bundle import RENDERINGS, write_manifest
from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.verify import Examined, ReleaseGate, examine
from tests import suite


def key_pair(folder: Path, name: str) -> Path:
    """Write ``name.pem`` and ``name.pub.pem``; the path of the private one."""
    key = Ed25519PrivateKey.generate()
    private = folder / f"{name}.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pub.pem").write_bytes(public)
    return private


def run_signed(folder: Path, keys: Path) -> suite.Outcome:
    """A run that the company signs."""
    environ = {attestation.KEY_VARIABLE: str(keys / "company.pem")}
    return suite.run(folder, "--flexprice-env=local", "--flexprice-level=lint", environ=environ)


def look(path: Path, gate: ReleaseGate | None = None, later: timedelta = timedelta()) -> Examined:
    return examine(path, gate or ReleaseGate(), datetime.now(UTC) + later)


def edit(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def render_again(folder: Path) -> None:
    """What somebody does who has this program, too: every rendering and the Statement are made again."""
    document = Document.model_validate_json((folder / "golive.json").read_bytes())
    for name, render in RENDERINGS:
        (folder / name).write_text(render(document), encoding="utf-8")
    sum_again(folder)
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    (folder / "statement.json").write_text(
        json.dumps(attestation.statement(document, "manifest.json", digest), indent=2) + "\n"
    )


def seal_again(folder: Path) -> None:
    """What somebody does who has this program, and added or took away files: a manifest of those that are there, unsigned."""
    document = Document.model_validate_json((folder / "golive.json").read_bytes())
    write_manifest(folder, document)
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    (folder / "statement.dsse.json").unlink(missing_ok=True)
    (folder / "statement.json").write_text(
        json.dumps(attestation.statement(document, "manifest.json", digest), indent=2) + "\n"
    )


def sum_again(folder: Path) -> None:
    """What somebody does who changed a file and knows the format: manifest, sums and Statement computed again."""

    def rewritten(manifest: Any) -> None:
        for row in manifest["files"]:
            content = (folder / row["file"]).read_bytes()
            row.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())

    edit(folder / "manifest.json", rewritten)
    names = [row["file"] for row in json.loads((folder / "manifest.json").read_text())["files"]] + ["manifest.json"]
    sums = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text(sums)
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    edit(folder / "statement.json", lambda stated: stated["subject"][0]["digest"].update(sha256=digest))
