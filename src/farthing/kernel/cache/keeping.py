"""Chooses who keeps finished answers, and stands guard around the commits that change what they show."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from farthing.kernel.cache.answers import Answers
from farthing.kernel.cache.generations import Generations
from farthing.kernel.cache.local import GenerationKeeper, VersionKeeper
from farthing.kernel.cache.values import Keeper, Source
from farthing.kernel.database import PATIENCE_SECONDS, Database


def kept_answers(database: Database, kind: str, prefix: str, source: Source) -> Answers:
    """Answers about one kind of thing, which units of work note by `changes(kind, ...)`."""
    if database.dialect != "sqlite":
        return Answers(prefix, source, VersionKeeper(source))
    generations = Generations(Path(f"{database.engine.url.database}.generations"))
    if generations.busy and database.lock is not None:
        with database.lock.held(PATIENCE_SECONDS):
            generations.repair()

    @contextmanager
    def guard(names: frozenset[str], connection: Connection) -> Iterator[None]:
        with generations.changing(names):
            yield

    database.guards[kind] = guard
    keeper: Keeper = GenerationKeeper(generations)
    return Answers(prefix, source, keeper)
