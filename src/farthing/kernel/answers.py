"""Where the answers to retried requests are kept: in the store of the work, inside its transaction."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    PrimaryKeyConstraint,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from farthing.kernel.columns import Identifier, Instant, LongText, Name, required, table
from farthing.kernel.database import Database, changed, changes, was_stopped
from farthing.kernel.problems import Conflict

T = TypeVar("T")
WAIT_SECONDS: Final = 3  # for a first request that is still running

answers = table(
    "idempotent_answers",
    required("organization", Identifier),
    required("key", Name),
    required("fingerprint", Identifier),
    required("status", Integer),
    required("headers", LongText),
    required("body", LongText),
    required("created_at", Instant),
    Column("changed", LongText),  # JSON: what the work changed that others may have a copy of, by kind
    PrimaryKeyConstraint("organization", "key", name="idempotent_answers_pk"),
    Index("idempotent_answers_age", "created_at"),
)


class StillRunning(Conflict):
    """The first request with this key has not been answered yet."""

    retry_after = 1

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running.")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given, and the fingerprint of what was asked; `headers` is JSON."""

    fingerprint: str
    status: int
    headers: str
    body: str


class AnswerRows(Protocol):
    """The answers inside the unit of work that makes one."""

    def forget(self, organization: str, before: datetime) -> None:
        """Those of requests that began before this moment are not kept any longer."""

    def find(self, organization: str, key: str) -> Kept | None: ...

    def claim(self, organization: str, key: str, fingerprint: str, now: datetime) -> None:
        """From now until the unit of work ends nobody else answers under this key."""

    def keep(self, organization: str, key: str, kept: Kept) -> None:
        """Put the answer where the claim was."""


class Answers(Protocol):
    """Opens the units of work that answers are made in."""

    def write(self, work: Callable[[AnswerRows], T]) -> T:
        """Do `work` and everything it calls in one transaction; it may be done again from its beginning.

        raises StillRunning when another request with the key has not ended after WAIT_SECONDS
        """


@dataclass(frozen=True, slots=True)
class SqlAnswers:
    """Answers beside the rows of their work."""

    database: Database

    def write(self, work: Callable[[AnswerRows], T]) -> T:
        for attempt in (1, 2):
            try:
                with self.database.write() as connection:
                    return work(SqlAnswerRows(connection, self.database.dialect))
            except IntegrityError:  # another request with this key committed first: look again
                if attempt == 2:
                    raise
            except OperationalError as error:
                if "lock" in str(error.orig).lower() and not was_stopped(error):
                    raise StillRunning from error
                raise
        raise StillRunning


@dataclass(frozen=True, slots=True)
class SqlAnswerRows:
    """See `AnswerRows`."""

    connection: Connection
    dialect: str

    def forget(self, organization: str, before: datetime) -> None:
        mine = (answers.c.organization == organization) & (answers.c.created_at < before)
        self.connection.execute(delete(answers).where(mine))

    def find(self, organization: str, key: str) -> Kept | None:
        row = self.connection.execute(select(answers).where(_named(organization, key))).one_or_none()
        if row is None:
            return None
        for kind, names in json.loads(row.changed or "{}").items():
            changes(kind, names)  # who did it may have died before it told; to answer again is to acknowledge again
        return Kept(row.fingerprint, row.status, row.headers, row.body)

    def claim(self, organization: str, key: str, fingerprint: str, now: datetime) -> None:
        if self.dialect == "postgresql":
            self.connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
        values = {"organization": organization, "key": key, "fingerprint": fingerprint, "created_at": now}
        self.connection.execute(insert(answers).values(**values, status=0, headers="[]", body=""))
        if self.dialect == "postgresql":
            self.connection.execute(text("SET LOCAL lock_timeout = '10s'"))

    def keep(self, organization: str, key: str, kept: Kept) -> None:
        touched = {kind: sorted(names) for kind, names in changed().items()}
        values = {"status": kept.status, "headers": kept.headers, "body": kept.body, "changed": json.dumps(touched)}
        self.connection.execute(update(answers).where(_named(organization, key)).values(**values))


def _named(organization: str, key: str) -> ColumnElement[bool]:
    return (answers.c.organization == organization) & (answers.c.key == key)
