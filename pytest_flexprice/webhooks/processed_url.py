"""Asking the plan's ``webhooks.processed`` URL, within bounds, and doubting it before the handler (checklist 7.4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from pytest_flexprice.api.deadline import Deadline, DeadlineAdapter
from pytest_flexprice.api.redirects import Session
from pytest_flexprice.api.transport import is_loopback
from pytest_flexprice.model.finding import NotDecided, NotVerified, not_decided, not_verified
from pytest_flexprice.webhooks.processed import ITEM, Processed, as_processed, undecided

SECONDS = 10.0  # for the whole answer
LARGEST = 64 * 1024
PLAN = "golive.toml: webhooks.processed"
_PLACE = "{invoice_id}"
_NOWHERE = "golive-no-such-path"


@dataclass(frozen=True)
class WebPage:
    """What a URL answered: its status and the beginning of its text."""

    status: int
    text: str = ""

    @property
    def is_html(self) -> bool:
        """Whether it is a web page, made for people."""
        return self.text.lstrip().lower().startswith(("<!doctype", "<html", "<head", "<body"))


Get = Callable[[str], WebPage]
HandlerOverride = Callable[[str], Any] | None
"""What a company's ``handler_has_processed`` gives: asked with an invoice's id; ``None`` where it is not overridden."""


def get_page(url: str, seconds: float = SECONDS) -> WebPage:
    """GET a URL: no redirect followed, nothing read beyond ``LARGEST`` bytes or ``seconds`` for the whole.

    Raises:
        requests.RequestException: no answer came in time.
    """
    with Session() as session, Deadline(seconds):
        for scheme in ("http://", "https://"):
            session.mount(scheme, DeadlineAdapter())
        # Neither a ~/.netrc entry nor a proxy of the environment belongs between the run and a handler on this machine.
        if "@" not in urlsplit(url).netloc:
            session.auth = lambda request: request
        session.trust_env = not is_loopback(url)
        reply = session.get(url, timeout=seconds, stream=True)
        with reply:
            body = b""
            for part in reply.iter_content(8192):
                body += part
                if len(body) >= LARGEST:
                    break
        return WebPage(reply.status_code, body[:LARGEST].decode("utf-8", "replace"))


def ask_processed(template: str, invoice_id: str, get: Get = get_page) -> Processed:
    """Ask about an invoice: 200 means processed, 404 not yet. A JSON answer with ``times`` and ``message_ids`` is taken as a count.

    A 404 that a path beside it gets as well is doubted: it may say only that nothing is there.

    Raises:
        NotDecided: the plan has no such URL, or no ``{invoice_id}`` in it.
        NotVerified: the URL cannot be read, or is a web page.
    """
    if not template:
        raise not_decided(ITEM, PLAN, undecided(ITEM).problem, remedy=undecided(ITEM).remedy)
    if _PLACE not in template:
        raise not_decided(ITEM, PLAN, "webhooks.processed has no '{invoice_id}' in it")
    page = _got(template.replace(_PLACE, quote(invoice_id, safe="")), get)
    if page.status == 204:
        return Processed(0)
    if page.status == 404:
        return Processed(0, doubt=_doubt(template, invoice_id, page, get))
    if page.status != 200:
        raise _no_answer(f"it answered {page.status}")
    if page.is_html:
        raise _no_answer("it answered a web page, such as a login or an application's start page")
    try:
        return as_processed(json.loads(page.text))
    except ValueError:
        return Processed(1, counted=False)


def processed_reader(template: str, override: HandlerOverride = None) -> Callable[[str], Processed] | None:
    """How to ask whether an invoice's webhook was processed: the company's own function, else the plan's URL, else None."""
    if override is not None:
        return lambda invoice_id: _asked(override, invoice_id)
    return (lambda invoice_id: ask_processed(template, invoice_id)) if template else None


def _asked(override: Callable[[str], Any], invoice_id: str) -> Processed:
    try:
        answer = override(invoice_id)
        if isinstance(answer, str):
            raise _text_for_an_answer()
        return as_processed(answer)
    except (NotVerified, NotDecided):
        raise
    except Exception as error:
        raise not_verified(
            ITEM,
            "handler_has_processed",
            f"whether the handler processed the webhook could not be asked: the company's own function raised {type(error).__name__}",
            remedy=_RETURN,
        ) from error


_RETURN = "let it return a bool, a count or message ids, and None or 0 for an invoice that it does not know"


def _text_for_an_answer() -> Exception:
    problem = "whether the handler processed the webhook could not be told: the company's own function returned a text"
    return not_verified(ITEM, "handler_has_processed", problem, remedy=_RETURN)


def _got(url: str, get: Get) -> WebPage:
    try:
        return get(url)
    except requests.RequestException as error:
        raise _no_answer(f"no answer came ({type(error).__name__})") from None


def _doubt(template: str, invoice_id: str, page: WebPage, get: Get) -> str:
    """Whether a 404 may mean that the URL is wrong: JSON is an application's own answer, anything else is held against another path."""
    try:
        if isinstance(json.loads(page.text), dict) and "times" in page.text:
            return ""
    except ValueError:
        pass
    try:
        beside = get(_beside(template, invoice_id))
    except requests.RequestException:
        return ""
    alike = beside.status == 404 and _plain(beside.text, invoice_id) == _plain(page.text, invoice_id)
    return "answers 404 as it does where nothing is" if alike else ""


def _beside(template: str, invoice_id: str) -> str:
    """The URL of the same server with a path that nobody has."""
    parts = urlsplit(template)
    return f"{parts.scheme}://{parts.netloc}/{_NOWHERE}/{quote(invoice_id, safe='')}"


def _plain(text: str, invoice_id: str) -> str:
    """An answer without the path that it may repeat: only the words outside."""
    return "".join(line for line in text.split() if invoice_id not in line and _NOWHERE not in line)


def _no_answer(reason: str) -> Exception:
    return not_verified(
        ITEM,
        PLAN,
        f"whether the handler processed the webhook could not be asked: {reason}",
        remedy="make webhooks.processed answer 200 for a processed invoice and 404 for another, from here and without a login",
    )
