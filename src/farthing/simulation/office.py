"""The simulated company's own program: it knows nothing but the public interface."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from flask.testing import FlaskClient

Json = dict[str, Any]  # Any: JSON
LATER: Final = "urn:farthing:problem:not-available-yet"
REFUSED: Final = (409, 422)  # a simulated company tries what may not be done, too


class Unexpected(Exception):
    """An answer that no caller of the interface should ever get."""


@dataclass(frozen=True, slots=True)
class Office:
    """Calls the interface as one organisation, and counts what comes of it.

    done     by what it was: how often it was carried out
    refused  by what it was and the name of the refusal
    """

    client: FlaskClient
    secret: str
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def get(self, path: str) -> Json:
        return self._called("GET", path, None, "", ())

    def every(self, path: str) -> list[Json]:
        """All rows of a list, page by page."""
        rows: list[Json] = []
        after = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=200{after}")
            rows += page["data"]
            if page["next"] is None:
                return rows
            after = f"&after={page['next']}"

    def text(self, path: str) -> str:
        return self.client.get(path, headers=self._headers).get_data(as_text=True)

    def made(self, path: str, body: Any) -> Json:  # Any: JSON
        """What must work; raises Unexpected."""
        return self._called("POST", path, body, "", ())

    def tried(self, what: str, method: str, path: str, body: Any = None) -> Json | None:  # Any: JSON
        """What may be refused, which gives None; either is counted as `what`. Raises Unexpected."""
        found = self._called(method, path, body, what, REFUSED)
        if "status" in found and found["status"] in REFUSED:
            self.refused[what, found["type"].rpartition(":")[2]] += 1
            return None
        self.done[what] += 1
        return found

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def _called(self, method: str, path: str, body: Any, what: str, allowed: tuple[int, ...]) -> Json:  # Any: JSON
        answer = self.client.open(path, method=method, headers=self._headers, json=body)
        if answer.status_code >= 300 and answer.status_code not in allowed:
            said = answer.get_data(as_text=True)[:1000]
            raise Unexpected(f"{what or 'call'}: {method} {path} with {body} answers {answer.status_code}: {said}")
        return dict(answer.json or {})
