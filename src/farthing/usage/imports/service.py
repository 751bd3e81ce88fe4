"""The use cases of imports: a file becomes events, through the same door as all others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from farthing.kernel.audit import Actor, acting_as, current_actor
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller, operator
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import Overtaken, Refusal
from farthing.usage.events.service import Events
from farthing.usage.imports.objects import Objects, permitted
from farthing.usage.imports.reading import READERS, batches, detected, detected_name, rows_of, store
from farthing.usage.imports.spool import Spool
from farthing.usage.imports.store import ImportStore
from farthing.usage.imports.values import (
    COMPLETED,
    FAILED,
    QUEUED,
    RUNNING,
    BadRow,
    ContentKnown,
    Counts,
    Import,
    ImportNotFound,
    ImportResult,
    Row,
    UnknownFormat,
)

MOST_ERRORS: Final = 100  # told one by one on the command line
MOST_REPORTED: Final = 10_000  # bad rows kept for the report of an import; the counts tell of all
SOON: Final = 1024 * 1024  # bytes of a file that is read before the answer
Background = Callable[[Callable[[], object]], object]  # runs a piece of work, at once or soon
log = structlog.get_logger("farthing")


class _Elsewhere(Exception):
    """Another process goes on with this import."""


@dataclass(frozen=True, slots=True)
class Given:
    """A file to import: what its author says of it."""

    name: str
    format: str | None
    source: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Imports:
    """Reads files of usage, however large, in batches that are each durable before the next.

    spool     where files wait until they are read
    prefixes  by organisation: under which addresses it may have files from buckets
    """

    database: Database
    now: Clock
    new_id: NewId
    events: Events
    spool: Spool
    objects: Objects
    prefixes: Mapping[str, Sequence[str]]
    background: Background

    def import_file(
        self, caller: Caller, file: Path | BinaryIO, format: str, source: str | None = None,
        progress: Callable[[int], None] = lambda lines: None,
    ) -> ImportResult:
        """Store the events of a file; the same file again adds nothing, one that has grown what is new.

        format    one of READERS
        source    of the events that name none; None for the format's own
        progress  told the number of the last line after each batch
        raises    UnknownFormat, and BadFile for a file without what every row needs; a bad row is kept among
                  the rejected events, told with its line number, and stops nothing
        """
        counts, errors = Counts(), list[BadRow]()
        for some in batches(rows_of(file, format, source)):
            done = store(self.events, caller, some)
            counts += done.counts
            errors += done.bad[: MOST_ERRORS - len(errors)]
            progress(some[-1].line)
        return ImportResult(
            counts.accepted, counts.duplicates, counts.conflicts, counts.rejected, counts.skipped, errors
        )

    def take(self, caller: Caller, given: Given, stream: BinaryIO) -> Import:
        """Import a file that was sent; one that was imported before is that import.

        raises  UnknownFormat, BadFile, TooManyColumns: what can be told without reading all of it
        """
        with self.spool.received(stream) as waiting:
            format = given.format or detected(waiting.path, given.name)
            if format is None:
                raise _undetected(given.name)
            next(rows_of(waiting.path, format, given.source), None)
            return self._begin(caller, given, format, waiting.content, waiting.size, waiting.keep)

    def fetch(self, caller: Caller, given: Given, url: str) -> Import:
        """Import an object of a bucket; the same version of it again is the import that it had before.

        raises  BadUrl where the organisation may not have it or it is not there, UnknownFormat
        """
        permitted(url, self.prefixes.get(caller.organization, ()))
        format = given.format or detected_name(url)
        if format is None:
            raise _undetected(url)
        found = self.objects.found(url)
        return self._begin(caller, given, format, found.content, found.size, lambda id: None)

    def get(self, organization: str, import_id: str) -> Import:
        """Raises ImportNotFound."""
        with self.database.read() as connection:
            one = ImportStore(connection).find(organization, import_id)
        if one is None:
            raise ImportNotFound(import_id)
        return one

    def page(self, caller: Caller, listing: Listing) -> Page[Import]:
        with self.database.read() as connection:
            rows = ImportStore(connection).page(caller.organization, listing.position, listing.limit + 1)
        return listing.page(rows, lambda one: one.id)

    def errors(self, caller: Caller, import_id: str, listing: Listing) -> Page[BadRow]:
        """The rows that were rejected or left out, in the file's order; raises ImportNotFound."""
        one = self.get(caller.organization, import_id)
        with self.database.read() as connection:
            after = int(listing.position or 0)
            rows = ImportStore(connection).reported(one.organization, one.id, after, listing.limit + 1)
        return listing.page(rows, lambda row: str(row.line))

    def resume(self) -> None:
        """Go on with imports whose process went away, where their files are; what they had stored is not read again."""
        with self.database.read() as connection:
            unfinished = ImportStore(connection).unfinished()
        for one in unfinished:
            if one.url is not None or self.spool.has(one.id):
                self.background(partial(self._finish, one))

    def _begin(
        self, caller: Caller, given: Given, format: str, content: str, size: int, keep: Callable[[str], None]
    ) -> Import:
        """Note an import, or find the one there was, and let it go on unless it is over.

        keep  puts the file where the import with this id finds it
        """
        now = self.now(caller.organization)
        one = Import(
            self.new_id("imp", now), caller.organization, content, given.name, given.url, format, given.source, QUEUED,
            0, Counts(), 0, None, 1, now, now,
        )
        try:
            with self.database.write() as connection:
                one = _noted(ImportStore(connection), one)
                if one.status == COMPLETED:
                    return one
                keep(one.id)
                actor, run = current_actor(), _at_once if size <= SOON else self.background
                self.database.after_commit(lambda: run(partial(self._finish_as, actor, one)))
        except ContentKnown:  # somebody else sent it in the same moment, and goes on with it
            return self._known(caller.organization, content)
        return self.get(one.organization, one.id)

    def _known(self, organization: str, content: str) -> Import:
        with self.database.read() as connection:
            one = ImportStore(connection).of_content(organization, content)
        if one is None:
            raise Overtaken
        return one

    def _finish_as(self, actor: Actor, one: Import) -> None:
        with acting_as(actor):
            self._finish(one)

    def _finish(self, one: Import) -> None:
        """Read what is left of a file, batch by batch, until it is over or another process goes on with it."""
        try:
            one = self._read(one)
        except _Elsewhere:
            return
        except Exception as error:
            if not isinstance(error, Refusal):
                log.exception("import failed", id=one.id)
            self._end(one, FAILED, _reason(error))
        else:
            self._end(one, COMPLETED)
        self.spool.forget(one.id)

    def _read(self, one: Import) -> Import:
        if one.url is not None and not self.spool.has(one.id):
            self.spool.fill(one.id, partial(self.objects.copy, one.url, one.content))
        for some in batches(rows_of(self.spool.place(one.id), one.format, one.source, one.position)):
            one = self._step(one, some)
        return one

    def _step(self, one: Import, rows: list[Row]) -> Import:
        """Store some rows together with how far the import has come; raises _Elsewhere."""
        with self.database.write() as connection:
            imports = ImportStore(connection)
            held = imports.find(one.organization, one.id, lock=True)
            if held is None or held.finished or held.position != one.position:
                raise _Elsewhere
            done = store(self.events, operator(one.organization), rows)
            bad = done.bad[: MOST_REPORTED - held.reported]
            imports.report(held, bad)
            reached = replace(
                held, status=RUNNING, position=rows[-1].line, counts=held.counts + done.counts,
                reported=held.reported + len(bad), version=held.version + 1, updated_at=self.now(one.organization),
            )
            imports.save(reached)
        return reached

    def _end(self, one: Import, status: str, error: str | None = None) -> None:
        """Note how it ended, unless somebody else goes on with it."""
        now = self.now(one.organization)
        with self.database.write() as connection:
            imports = ImportStore(connection)
            held = imports.find(one.organization, one.id, lock=True)
            if held is not None and not held.finished:
                imports.save(replace(
                    held, status=status, error=error, version=held.version + 1, updated_at=now, finished_at=now
                ))


def _noted(imports: ImportStore, one: Import) -> Import:
    """The import of this content: a new one, the one there was, or that one begun again where it had failed."""
    known = imports.of_content(one.organization, one.content)
    if known is None:
        imports.add(one)
        return one
    if known.status == FAILED:
        known = replace(
            known, status=QUEUED, format=one.format, source=one.source, error=None, finished_at=None,
            version=known.version + 1, updated_at=one.updated_at,
        )
        imports.save(known)
    return known


def _at_once(work: Callable[[], object]) -> None:
    work()


def _undetected(name: str) -> UnknownFormat:
    return UnknownFormat(f"is required: {name[:120]!r} does not tell what it holds; known are {', '.join(READERS)}")


def _reason(error: Exception) -> str:
    """Why an import failed, for its author: what this program refused in words, the rest is for the log."""
    if isinstance(error, Refusal):
        return error.detail
    return f"{type(error).__name__}; the log tells more. What was stored stays, and the same file again goes on."
