"""Imports over the wire."""

from typing import Annotated, Any, Final, Literal

from pydantic import StringConstraints

from farthing.kernel.schemas import InstantOut, Line, Schema, Shown
from farthing.usage.imports.values import BadRow, Import

Format = Literal["csv", "ndjson", "parquet", "access-log", "focus"]


class UploadIn(Schema):
    """What is said of a file that is sent beside it."""

    format: Format | None = None
    source: Line | None = None


class ImportIn(UploadIn):
    """A file to be fetched."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class ImportOut(Shown):
    """An import: how far it has come, and what became of the rows up to there."""

    id: str
    status: str
    name: str
    url: str | None
    format: str
    source: str | None
    content: str
    position: int
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    skipped: int
    error: str | None
    version: int
    created_at: InstantOut
    updated_at: InstantOut
    finished_at: InstantOut | None

    @classmethod
    def of(cls, one: Import) -> "ImportOut":
        counts = one.counts
        return cls(
            id=one.id, status=one.status, name=one.name, url=one.url, format=one.format, source=one.source,
            content=one.content, position=one.position, accepted=counts.accepted, duplicates=counts.duplicates,
            conflicts=counts.conflicts, rejected=counts.rejected, skipped=counts.skipped, error=one.error,
            version=one.version, created_at=one.created_at, updated_at=one.updated_at, finished_at=one.finished_at,
        )


class BadRowOut(Shown):
    """A row that was rejected or left out: its line in the file, or its number in Parquet, from 1."""

    line: int
    message: str

    @classmethod
    def of(cls, row: BadRow) -> "BadRowOut":
        return cls(line=row.line, message=row.message)


_SAID: Final[dict[str, Any]] = {  # Any: JSON Schema
    "format": {
        "enum": ["csv", "ndjson", "parquet", "access-log", "focus"], "description": "told by the name unless given",
    },
    "source": {"type": "string", "maxLength": 255, "description": "of events that name none"},
}
BODIES: Final[dict[str, Any]] = {  # Any: as above
    "multipart/form-data": {
        "type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}, **_SAID},
    },
    "application/json": {
        "type": "object", "required": ["url"],
        "properties": {
            "url": {"type": "string", "description": "s3://..., under a prefix that the operator gave"}, **_SAID,
        },
    },
}
"""What `POST /v1/imports` takes, as `/openapi.json` tells it."""
