"""The run as an in-toto Statement over the manifest, and the company's signature on it.

A Statement (in-toto Attestation Framework v1) names the manifest by its digest and says what the run found, in the form of the
test-result predicate, so that a CI's own signer can take it as it is. With a private key of the company the run signs it itself, as
a DSSE envelope; sums alone can be computed again by whoever changes a file, a signature cannot.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_flexprice.evidence.document import Document

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, SSlibKey

Key = TypeVar("Key")
STATEMENT, ENVELOPE = "statement.json", "statement.dsse.json"
KEY_VARIABLE = "FLEXPRICE_EVIDENCE_KEY"
"""The variable that names the PEM file of the company's private key; nothing is signed without it."""
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
_PASSED = ("passed", "attested")
_NEEDS = "needs a library that is not installed: pip install 'pytest-flexprice[signing]'"


class KeyRefused(Exception):
    """A key file that cannot be used; the message says which and why, without showing it."""


def signing_key(environ: Mapping[str, str]) -> CryptoSigner | None:
    """The company's private key, if the environment names one.

    Raises:
        KeyRefused: it cannot be used; asked before a run, so that the run need not be made twice.
    """
    path = environ.get(KEY_VARIABLE)
    return signer(Path(path)) if path else None


def statement(document: Document, manifest: str, sha256: str, keyid: str = "") -> dict[str, Any]:
    """The Statement of a run: its subject is the manifest, with the digest ``sha256``; ``keyid`` names the key that signs it."""
    run, verdict = document.run, document.verdict
    configuration = [*([run.plan] if run.plan else []), *run.features]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": manifest, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": _result(document),
            "configuration": [{"name": each.file, "digest": {"sha256": each.sha256}} for each in configuration],
            "url": run.ci_url,
            "passedTests": [item.id for item in verdict.items if item.state in _PASSED],
            "warnedTests": [item.id for item in verdict.items if item.state == "waived"],
            "failedTests": [item.id for item in verdict.items if item.state not in (*_PASSED, "waived", "not run")],
            "annotations": {
                "run_id": run.run_id,
                "environment": run.environment,
                "environment_id": run.environment_id,
                "environment_type": run.environment_type,
                "level": run.level,
                "rehearsal": run.rehearsal,
                "verdict": verdict.label,
                "finished": run.finished.isoformat(),
                "signed_with": keyid,
            },
        },
    }


def _result(document: Document) -> str:
    if document.verdict.exit_code:
        return "FAILED"
    return "WARNED" if any(item.state == "waived" for item in document.verdict.items) else "PASSED"


def write_statement(folder: Path, document: Document, manifest: str, sha256: str, key: CryptoSigner | None) -> None:
    """Write the Statement beside the manifest, and with a private ``key`` its signed envelope."""
    keyid = str(key.public_key.keyid) if key is not None else ""
    text = json.dumps(statement(document, manifest, sha256, keyid), indent=2) + "\n"
    (folder / STATEMENT).write_text(text, encoding="utf-8")
    if key is not None:
        envelope = sign(text.encode(), key)
        (folder / ENVELOPE).write_text(json.dumps(envelope, indent=2) + "\n", encoding="utf-8")


def sign(payload: bytes, by: CryptoSigner) -> dict[str, Any]:
    """The DSSE envelope of a payload."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - an extra

    envelope = Envelope(payload=payload, payload_type=PAYLOAD_TYPE, signatures={})
    envelope.sign(by)
    found: dict[str, Any] = envelope.to_dict()
    return found


def signed_by(envelope: dict[str, Any], key: SSlibKey) -> bytes | None:
    """What an envelope holds if ``key`` signed it, otherwise ``None``."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - an extra
    from securesystemslib.exceptions import VerificationError  # noqa: PLC0415

    try:
        opened = Envelope.from_dict(envelope)
        opened.verify([key], 1)
    except (VerificationError, KeyError, ValueError, TypeError, AttributeError):
        return None
    payload: bytes = opened.payload
    return payload if opened.payload_type == PAYLOAD_TYPE else None


def payload(envelope: Mapping[str, Any]) -> bytes | None:
    """What an envelope holds, whoever signed it; ``None`` where it cannot be read."""
    try:
        return base64.b64decode(envelope["payload"], validate=True)
    except (KeyError, TypeError, ValueError):
        return None


def is_envelope(envelope: Mapping[str, Any]) -> bool:
    """Whether an envelope is what a run writes: one signature on an in-toto payload, and nothing beside it that nobody signed."""
    signatures = envelope.get("signatures")
    return (
        set(envelope) == {"payload", "payloadType", "signatures"}
        and envelope["payloadType"] == PAYLOAD_TYPE
        and isinstance(signatures, list)
        and len(signatures) == 1
        and isinstance(signatures[0], dict)
        and set(signatures[0]) == {"keyid", "sig"}
    )


def named_key(stated: Mapping[str, Any]) -> str:
    """The key with which a Statement says that the run signed it; "" where it says none."""
    try:
        return str(stated["predicate"]["annotations"]["signed_with"])
    except (KeyError, TypeError):
        return ""


def signer(path: Path) -> CryptoSigner:
    """A private key from an unencrypted PEM file (Ed25519, ECDSA P-256 or RSA).

    Raises:
        KeyRefused: there is no such key, or the extra is missing.
    """

    def load() -> CryptoSigner:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - an extra
        from securesystemslib.signer import CryptoSigner  # noqa: PLC0415

        return CryptoSigner(load_pem_private_key(_read(path), password=None))

    return _key(path, "private", "Signing the evidence", load)


def public_key(path: Path) -> SSlibKey:
    """A public key from a PEM file.

    Raises:
        KeyRefused: there is no such key, or the extra is missing.
    """

    def load() -> SSlibKey:
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - an extra
        from securesystemslib.signer import SSlibKey  # noqa: PLC0415

        return SSlibKey.from_crypto(load_pem_public_key(_read(path)))

    return _key(path, "public", "Checking a signature", load)


def _key(path: Path, kind: str, purpose: str, load: Callable[[], Key]) -> Key:
    try:
        return load()
    except ImportError:
        raise KeyRefused(f"{purpose} {_NEEDS}.") from None
    except (ValueError, TypeError) as reason:
        raise KeyRefused(_refusal(path, kind, reason)) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as reason:
        raise KeyRefused(f"{path}: the key cannot be read ({reason.strerror}).") from None


def _refusal(path: Path, kind: str, reason: Exception) -> str:
    return (
        f"{path}: this is no {kind} key in PEM form without a password, of Ed25519, ECDSA P-256 or RSA "
        f"({type(reason).__name__}); make one with: openssl genpkey -algorithm ed25519"
    )
