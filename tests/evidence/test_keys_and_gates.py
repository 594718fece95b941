"""A key of another type is another key, and what a gate asks for is not met by less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_flexprice.evidence import attestation
from pytest_flexprice.evidence.__main__ import main
from pytest_flexprice.evidence.attestation import KeyRefused
from pytest_flexprice.evidence.gate import ReleaseGate
from pytest_flexprice.model.checklist import Level

from .tampered import look


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())], ids=["RSA", "ECDSA"]
)
def test_a_key_of_another_type_is_another_key(signed: Path, tmp_path: Path, key: Any) -> None:
    public = tmp_path / "other.pub.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (told,) = look(signed, ReleaseGate(key=public)).damage
    assert "was not made with the key" in told


def test_keys_that_sign_nothing_are_refused_in_one_sentence(signed: Path, tmp_path: Path, keys: Path) -> None:
    unfit = tmp_path / "unfit.pem"
    for key in (x25519.X25519PrivateKey.generate(), dsa.generate_private_key(1024)):
        unfit.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        with pytest.raises(KeyRefused, match="this is no public key"):
            look(signed, ReleaseGate(key=unfit))
        unfit.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(KeyRefused, match="this is no private key"):
            attestation.signer(unfit)
    with pytest.raises(KeyRefused, match="this is no public key"):
        look(signed, ReleaseGate(key=keys / "company.pem"))
    with pytest.raises(KeyRefused, match="cannot be read"):
        look(signed, ReleaseGate(key=tmp_path))


def test_what_is_not_proved_is_enough_only_for_a_gate_that_does_not_ask_for_it() -> None:
    from pytest_flexprice.evidence.gate import missed

    from . import samples

    document = samples.run(level=Level.READ)
    assert document.verdict.word == "INCOMPLETE"
    assert document.verdict.exit_code == 0
    told = {
        level: list(missed(document, ReleaseGate(environment="prod", level=level), document.run.finished))
        for level in (None, Level.READ, Level.SMOKE)
    }
    assert told[Level.READ] == []
    assert told[None] == [f"its verdict is INCOMPLETE: {document.verdict.headline}"]
    assert len(told[Level.SMOKE]) == 2


def test_what_was_left_out_of_a_run_on_purpose_is_not_enough() -> None:
    from pytest_flexprice.evidence.gate import missed

    from . import samples

    document = samples.run(samples.scenario("2.1", outcome="not run", deselected=True))
    assert document.verdict.exit_code == 0
    gate = ReleaseGate(environment="prod", level=Level.SMOKE)
    assert any("INCOMPLETE" in told for told in missed(document, gate, document.run.finished))


def test_every_fact_of_a_run_that_is_whole_is_kept_by_json(unpacked: Path) -> None:
    """What the checks rest on: the documents that a run writes agree with themselves."""
    found = look(unpacked)
    assert found.damage == []
    assert json.loads((unpacked / "statement.json").read_text())["predicate"]["annotations"]["signed_with"]


def test_a_release_of_another_commit_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from pytest_flexprice.evidence.gate import missed

    from . import samples

    document = samples.run()
    of = document.run.model_copy(update={"git_commit": "0123456789abcdef" * 2 + "01234567", "git_dirty": False})

    def told(commit: str, **more: Any) -> str:
        run = document.model_copy(update={"run": of.model_copy(update=more)})
        return " ".join(one for one in missed(run, ReleaseGate(commit=commit), of.finished) if "commit" in one)

    assert told("0123456789ABCDEF") == ""
    assert "not of fedcba9" in told("fedcba9")
    assert "with changes that were not committed" in told("0123456", git_dirty=True)
    assert "none that is known" in told("0123456", git_commit="", git_dirty=None)
    with pytest.raises(SystemExit):
        main(["verify", "--commit", "HEAD", "any.zip"])
    assert "'HEAD' is no commit" in capsys.readouterr().err
