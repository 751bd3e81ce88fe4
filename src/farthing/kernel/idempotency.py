"""Retries: one key, one effect, the same answer, kept in the transaction of the work itself.

A request that died leaves nothing behind, so its retry completes it; an answer of work that was refused is
never kept, because the transaction that would hold it is rolled back.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from flask import Response, request
from sqlalchemy import Connection, Index, Integer, PrimaryKeyConstraint, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from farthing.kernel.clock import Clock
from farthing.kernel.columns import Identifier, Instant, LongText, Name, required, table
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.problems import Conflict, Invalid, Malformed, Refusal
from farthing.kernel.strict_json import canonical, loads

KEPT: Final = timedelta(hours=24)
WAIT_SECONDS: Final = 3  # for a first request that is still running
PRINTABLE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", re.ASCII)
KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag")
SECRETS: Final = frozenset({"secret", "access_token", "refresh_token"})

answers = table(
    "idempotent_answers",
    required("organization", Identifier),
    required("key", Name),
    required("fingerprint", Identifier),
    required("status", Integer),
    required("headers", LongText),
    required("body", LongText),
    required("created_at", Instant),
    PrimaryKeyConstraint("organization", "key", name="idempotent_answers_pk"),
    Index("idempotent_answers_age", "created_at"),
)


class KeyReused(Invalid):
    """One key for two different requests."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request; take a new one for each request.")


class StillRunning(Conflict):
    """The first request with this key has not been answered yet."""

    retry_after = 1

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running.")


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Runs a POST once for each key of an organisation."""

    database: Database
    now: Clock

    def __call__(self, caller: Caller | None, work: Callable[[], Response]) -> Response:
        """The answer of `work`, or the one that the same request had before; raises KeyReused, StillRunning."""
        key = key_from(request.headers.getlist("Idempotency-Key"))
        if key is None or caller is None:
            return work()
        for attempt in (1, 2):
            try:
                with self.database.write() as connection:
                    return self._answer(connection, caller.organization, key, work)
            except IntegrityError:  # another request with this key committed first: look again
                if attempt == 2:
                    raise
            except OperationalError as error:
                if "lock" in str(error.orig).lower():
                    raise StillRunning from error
                raise
        raise StillRunning

    def _answer(self, connection: Connection, organization: str, key: str, work: Callable[[], Response]) -> Response:
        now = self.now("")
        mark = fingerprint()
        self._forget(connection, organization, now - KEPT)
        row = connection.execute(
            select(answers.c.fingerprint, answers.c.status, answers.c.headers, answers.c.body)
            .where((answers.c.organization == organization) & (answers.c.key == key))
        ).one_or_none()
        if row is not None:
            if row.fingerprint != mark:
                raise KeyReused
            return _replayed(row.status, row.headers, row.body)
        self._claim(connection, organization, key, mark, now)
        response = work()
        mine = (answers.c.organization == organization) & (answers.c.key == key)
        connection.execute(update(answers).where(mine).values(**_kept(response)))
        return response

    def _claim(self, connection: Connection, organization: str, key: str, mark: str, now: datetime) -> None:
        if self.database.dialect == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
        values = {"organization": organization, "key": key, "fingerprint": mark, "created_at": now}
        connection.execute(insert(answers).values(**values, status=0, headers="[]", body=""))
        if self.database.dialect == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))

    def _forget(self, connection: Connection, organization: str, before: datetime) -> None:
        mine = (answers.c.organization == organization) & (answers.c.created_at < before)
        connection.execute(delete(answers).where(mine))


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
    raw = request.get_data()
    said = raw.decode("latin-1")
    if request.mimetype == "application/json" and "Content-Encoding" not in request.headers:
        try:
            said = canonical(loads(raw))
        except Refusal:
            pass  # it will be refused as itself
    query = "&".join(sorted(f"{name}={value}" for name, value in request.args.items(multi=True)))
    return sha256(f"{request.method} {request.path}?{query}\n{said}".encode()).hexdigest()[:40]


def _kept(response: Response) -> dict[str, object]:
    headers = [(name, response.headers[name]) for name in KEPT_HEADERS if name in response.headers]
    body = response.get_data()
    if any(f'"{name}"'.encode() in body for name in SECRETS):
        said = json.loads(body)
        blanked = {name: None if name in SECRETS else value for name, value in said.items()}
        body = json.dumps(blanked, ensure_ascii=False, separators=(",", ":")).encode()
    return {"status": response.status_code, "headers": json.dumps(headers), "body": body.decode("utf-8")}


def _replayed(status: int, headers: str, body: str) -> Response:
    response = Response(body, status)
    response.headers.pop("Content-Type", None)
    for name, value in json.loads(headers):
        response.headers[name] = value
    response.headers["Idempotent-Replayed"] = "true"
    return response
