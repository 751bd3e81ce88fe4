"""Retries: one key, one effect, the same answer, kept in the transaction of the work itself.

A request that died leaves nothing behind, so its retry completes it; an answer of work that was refused is
never kept, because the transaction that would hold it is rolled back.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import file_digest, sha256
from typing import Final

from flask import Response, request

from farthing.kernel.answers import AnswerRows, Answers, Kept
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.problems import Invalid, Malformed, Refusal
from farthing.kernel.strict_json import canonical, loads

KEPT: Final = timedelta(hours=24)
PRINTABLE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", re.ASCII)
KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag")
FORM: Final = "multipart/form-data"
SECRETS: Final = frozenset({"secret", "access_token", "refresh_token"})


class KeyReused(Invalid):
    """One key for two different requests."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request; take a new one for each request.")


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Runs a POST once for each key of an organisation."""

    answers: Answers  # in the store of the work itself
    now: Clock

    def __call__(self, caller: Caller | None, work: Callable[[], Response]) -> Response:
        """The answer of `work`, or the one that the same request had before; raises KeyReused, StillRunning."""
        key = key_from(request.headers.getlist("Idempotency-Key"))
        if key is None or caller is None:
            return work()
        return self.answers.write(lambda rows: self._answer(rows, caller.organization, key, work))

    def _answer(self, rows: AnswerRows, organization: str, key: str, work: Callable[[], Response]) -> Response:
        now = self.now("")
        mark = fingerprint()
        rows.forget(organization, now - KEPT)
        kept = rows.find(organization, key)
        if kept is not None:
            if kept.fingerprint != mark:
                raise KeyReused
            return _replayed(kept)
        rows.claim(organization, key, mark, now)
        response = work()
        rows.keep(organization, key, _kept(mark, response))
        return response


def key_from(headers: list[str]) -> str | None:
    """The key, quoted or not; None without the header; raises Malformed naming the rule."""
    if not headers:
        return None
    key = headers[0].strip()
    quoted = len(key) >= 2 and key[0] == key[-1] == '"'
    if quoted:
        key = key[1:-1]
    twice = len(headers) > 1 or ('"' if quoted else ",") in key  # a server may join two headers by a comma
    if twice or not PRINTABLE.fullmatch(key):
        rule = "be sent once and have 1 to 255 printable ASCII characters, in quotes where one is a comma"
        raise Malformed(f"Idempotency-Key must {rule}.")
    return key


def fingerprint() -> str:
    """One text for all requests that ask the same: method, path, query, and what the body says."""
    said = _form() if request.mimetype == FORM else request.get_data().decode("latin-1")
    if request.mimetype == "application/json" and "Content-Encoding" not in request.headers:
        try:
            said = canonical(loads(request.get_data()))
        except Refusal:
            pass  # it will be refused as itself
    query = "&".join(sorted(f"{name}={value}" for name, value in request.args.items(multi=True)))
    return sha256(f"{request.method} {request.path}?{query}\n{said}".encode()).hexdigest()[:40]


def _form() -> str:
    """What a form says, whatever its boundaries, without holding its files in memory."""
    parts = [f"{name}={value!r}" for name, value in request.form.items(multi=True)]
    for name, file in request.files.items(multi=True):
        digest = file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]  # a temporary file
        file.stream.seek(0)
        parts.append(f"{name}={file.filename!r} {digest}")
    return "\n".join(sorted(parts))


def _kept(mark: str, response: Response) -> Kept:
    headers = [(name, response.headers[name]) for name in KEPT_HEADERS if name in response.headers]
    body = response.get_data()
    if any(f'"{name}"'.encode() in body for name in SECRETS):
        said = json.loads(body)
        blanked = {name: None if name in SECRETS else value for name, value in said.items()}
        body = json.dumps(blanked, ensure_ascii=False, separators=(",", ":")).encode()
    return Kept(mark, response.status_code, json.dumps(headers), body.decode("utf-8"))


def _replayed(kept: Kept) -> Response:
    response = Response(kept.body, kept.status)
    response.headers.pop("Content-Type", None)
    for name, value in json.loads(kept.headers):
        response.headers[name] = value
    response.headers["Idempotent-Replayed"] = "true"
    return response
