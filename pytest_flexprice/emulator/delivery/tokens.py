"""App-scoped tokens, each of which names one application (recording 03_portal_access)."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..kernel.jwt import Signer

LIFETIME = timedelta(days=28)
_ORGANISATION = "org_23rb8YdGqMT0qIzpgGwdXfHirMu"


class Tokens:
    """Issues tokens and reads them back; the signing key lives as long as this object."""

    def __init__(self) -> None:
        self._signer = Signer()

    def issue(self, application_id: str, now: datetime) -> str:
        """A token for one application, good for 28 days."""
        at, until = int(now.timestamp()), int((now + LIFETIME).timestamp())
        return self._signer.issue(iat=at, exp=until, nbf=at, iss="svix-server", sub=application_id, org=_ORGANISATION)

    def application(self, token: str, now: datetime) -> str | None:
        """The application id that a token is for; ``None`` for a forged, foreign or expired one."""
        claims = self._signer.read(token, now)
        return claims["sub"] if claims else None
