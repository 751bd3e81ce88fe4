"""Chooses who keeps finished answers, and stands guard around the commits that change what they show."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Connection

from farthing.kernel.cache.answers import Answers
from farthing.kernel.cache.beliefs import Beliefs
from farthing.kernel.cache.generations import Generations
from farthing.kernel.cache.guard import SharedGuard
from farthing.kernel.cache.local import GenerationKeeper, VersionKeeper
from farthing.kernel.cache.mending import Mending
from farthing.kernel.cache.server import RedisServer
from farthing.kernel.cache.shared import SharedKeeper
from farthing.kernel.cache.values import Keeper, Source
from farthing.kernel.database import PATIENCE_SECONDS, Database, Guard


def kept_answers(
    database: Database, cache: RedisServer | None, generations: Generations | None, kind: str, prefix: str,
    source: Source,
) -> Answers:
    """Answers about one kind of thing, which units of work note by `changes(kind, ...)`.

    cache        where they are kept; in this process where there is none
    generations  of the database, if it has any
    """
    beliefs = Beliefs(database)
    guards: list[Guard] = [SharedGuard(beliefs, cache)]
    if generations is not None:
        guards.append(lambda names, connection: generations.changing(names))
    database.guards[kind] = _all_of(guards)
    return Answers(prefix, source, _keeper(beliefs, cache, generations, source))


def _keeper(beliefs: Beliefs, cache: RedisServer | None, generations: Generations | None, source: Source) -> Keeper:
    if cache is not None:
        return SharedKeeper(beliefs, cache, Mending(beliefs, cache))
    return GenerationKeeper(generations) if generations is not None else VersionKeeper(source)


def generations_of(database: Database) -> Generations | None:
    """The counters beside an SQLite file, which all its processes keep, whatever each of them uses them for."""
    if database.lock is None:
        return None
    generations = Generations(Path(f"{database.engine.url.database}.generations"))
    if generations.busy:
        with database.lock.held(PATIENCE_SECONDS):
            generations.repair()
    return generations


def _all_of(guards: list[Guard]) -> Guard:
    @contextmanager
    def guard(names: frozenset[str], connection: Connection) -> Iterator[None]:
        with ExitStack() as stack:
            for one in guards:
                stack.enter_context(one(names, connection))
            yield

    return guard
