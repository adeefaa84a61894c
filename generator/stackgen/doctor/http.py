"""Questions to Prometheus, Alertmanager and exporters by HTTP: GET only, with a time limit, and no redirect."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException

TIMEOUT_SECONDS = 20.0
"""celery-exporter asks the workers at each scrape, which takes over 2 s and under load much more."""
_LARGEST = 64 << 20


class Unreachable(Exception):
    """No usable answer; the text says why and holds no address, which may have a password in it."""


@dataclass(frozen=True)
class Answer:
    """The text of an answer, and the clock of the machine that gave it."""

    body: str
    clock: float | None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A login page is no answer."""

    def redirect_request(self, *_: object) -> None:
        """Never follows."""


def get(url: str, **parameters: str) -> Answer:
    """The answer to a GET. Raises Unreachable."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        message = "expected an address that begins with http:// or https://"
        raise Unreachable(message)
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(url.rstrip("/") + query, timeout=TIMEOUT_SECONDS) as answer:
            body = answer.read(_LARGEST).decode(errors="replace")
            return Answer(body, _clock(answer.headers.get("Date")))
    except urllib.error.HTTPError as error:
        message = f"it answers {error.code}"
        raise Unreachable(message) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        message = f"it does not answer ({getattr(reason, 'strerror', None) or type(reason).__name__})"
        raise Unreachable(message) from error


def ask(url: str, **parameters: str) -> object:
    """The answer to a GET as JSON; of Prometheus the data alone. Raises Unreachable."""
    try:
        found = json.loads(get(url, **parameters).body)
    except ValueError as error:
        message = "it answers something that is not JSON"
        raise Unreachable(message) from error
    return found["data"] if isinstance(found, dict) and "data" in found else found


def _clock(header: str | None) -> float | None:
    try:
        return parsedate_to_datetime(header).timestamp() if header else None
    except ValueError:
        return None
