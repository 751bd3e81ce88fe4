"""The tables of log-ins: sessions, the refresh tokens that keep them going, and failures that slow guessing."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Name, required, table

sessions = table(
    "sessions",
    required("id", Identifier),
    required("organization", Identifier),
    required("user_id", Identifier),
    required("created_at", Instant),
    required("expires_at", Instant),  # with its last refresh token
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("id", name="sessions_pk"),
    Index("sessions_of_user", "organization", "user_id"),
)

refresh_tokens = table(
    "refresh_tokens",
    required("hash", Name),  # SHA-256 of the token, in hex
    required("session_id", Identifier),
    required("expires_at", Instant),
    Column("used_at", Instant),
    PrimaryKeyConstraint("hash", name="refresh_tokens_pk"),
    ForeignKeyConstraint(["session_id"], ["sessions.id"], name="refresh_tokens_session_fk"),
    Index("refresh_tokens_of_session", "session_id"),
)

login_failures = table(
    "login_failures",
    required("subject", Identifier),  # a hash of a username, a client address, or both
    required("failures", Integer),
    required("failed_at", Instant),
    required("forgotten_at", Instant),
    PrimaryKeyConstraint("subject", name="login_failures_pk"),
    Index("login_failures_age", "forgotten_at"),
)
