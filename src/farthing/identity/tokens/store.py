"""Rows of sessions, refresh tokens and failed log-ins."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from farthing.identity.tokens.models import login_failures, refresh_tokens, sessions
from farthing.identity.tokens.values import Failures, RefreshToken, Session


@dataclass(frozen=True, slots=True)
class SessionStore:
    connection: Connection

    def add(self, session: Session) -> None:
        self.connection.execute(insert(sessions).values(asdict(session)))

    def add_token(self, token: RefreshToken) -> None:
        self.connection.execute(insert(refresh_tokens).values(asdict(token)))

    def token(self, hash: str) -> RefreshToken | None:
        query = select(refresh_tokens).where(refresh_tokens.c.hash == hash)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else RefreshToken(**row)

    def locked(self, session_id: str) -> Session | None:
        """The session, which nobody else uses until the transaction ends."""
        query = select(sessions).where(sessions.c.id == session_id).with_for_update()
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else Session(**row)

    def use(self, token: RefreshToken, at: datetime) -> None:
        same = refresh_tokens.c.hash == token.hash
        self.connection.execute(update(refresh_tokens).where(same).values(used_at=at))

    def extend(self, session: Session, until: datetime) -> None:
        mine = (sessions.c.organization == session.organization) & (sessions.c.id == session.id)
        self.connection.execute(update(sessions).where(mine).values(expires_at=until))

    def revoke(self, session: Session, at: datetime) -> None:
        mine = (sessions.c.organization == session.organization) & (sessions.c.id == session.id)
        self.connection.execute(update(sessions).where(mine).values(revoked_at=at))

    def forget_expired(self, organization: str, user_id: str, now: datetime) -> None:
        """Remove a user's sessions that nothing can continue, with their tokens."""
        over = (sessions.c.organization == organization) & (sessions.c.user_id == user_id)
        over &= sessions.c.expires_at < now
        ids = select(sessions.c.id).where(over)
        self.connection.execute(delete(refresh_tokens).where(refresh_tokens.c.session_id.in_(ids)))
        self.connection.execute(delete(sessions).where(over))


@dataclass(frozen=True, slots=True)
class FailureStore:
    connection: Connection

    def find(self, subjects: Sequence[str], lock: bool = False) -> dict[str, Failures]:
        """What is counted for these, by subject."""
        query = select(login_failures).where(login_failures.c.subject.in_(subjects)).order_by(login_failures.c.subject)
        rows = self.connection.execute(query.with_for_update() if lock else query).mappings()
        return {row["subject"]: Failures(**row) for row in rows}

    def add(self, failures: Failures) -> None:
        self.connection.execute(insert(login_failures).values(asdict(failures)))

    def save(self, failures: Failures) -> None:
        same = login_failures.c.subject == failures.subject
        self.connection.execute(update(login_failures).where(same).values(asdict(failures)))

    def remove(self, subject: str) -> None:
        self.connection.execute(delete(login_failures).where(login_failures.c.subject == subject))

    def forget(self, now: datetime) -> None:
        """Remove what is to be forgotten by now."""
        self.connection.execute(delete(login_failures).where(login_failures.c.forgotten_at < now))
