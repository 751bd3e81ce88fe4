"""`farthing doctor`: what Farthing depends on, its versions, and what is wrong."""

import sqlite3
import sys
from collections.abc import Iterator
from typing import Final

import typer
from sqlalchemy import text

from farthing import __version__
from farthing.app import Farthing
from farthing.cli.finding import Finding
from farthing.cli.mongodb import mongodb_findings
from farthing.cli.opening import Home, Json, opened, say
from farthing.kernel.cache.server import Gone, RedisServer
from farthing.kernel.migrate import newest_version, schema_version
from farthing.kernel.settings import SETTINGS, Settings, text_of

SOUND_WAL: Final = (3, 51, 3)
OLD_WAL: Final = (
    "before 3.51.3 two connections that write at once can damage a file; Farthing's own lock on the home keeps them "
    "apart, so let no other program write to the file"
)


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(home: Home = None, as_json: Json = False) -> None:
    """Look at each setting and dependency; exit status 1 when something is wrong."""
    with opened(home) as farthing:
        findings = list(_findings(farthing))
        settings = _settings(farthing.settings)
    if as_json:
        say({"settings": settings, "findings": [
            {"what": one.what, "found": one.found, "problem": one.problem, "note": one.note} for one in findings
        ]})
    else:
        for setting in settings:
            typer.echo(f"{setting['variable']} = {setting['value'] or '(empty)'}  [{setting['source']}]")
            typer.echo(f"    {setting['meaning']}")
        for one in findings:
            typer.echo(f"{'ok   ' if one.problem is None else 'WRONG'} {one.what}: {one.found}")
            if remark := one.problem or one.note:
                typer.echo(f"      {remark}")
    if any(one.problem for one in findings):
        raise typer.Exit(1)


def _settings(settings: Settings) -> list[dict[str, str]]:
    return [
        {
            "name": one.name, "variable": one.variable, "source": settings.sources[one.name], "meaning": one.meaning,
            "value": "***" if one.secret and getattr(settings, one.name) else text_of(getattr(settings, one.name)),
        }
        for one in SETTINGS
    ]


def _findings(farthing: Farthing) -> Iterator[Finding]:
    yield Finding("farthing", __version__)
    yield Finding("python", sys.version.split()[0])
    yield Finding("schema", schema_version(farthing.database) or "none", None
                  if schema_version(farthing.database) == newest_version() else "run farthing migrate")
    if farthing.settings.now:
        yield Finding("clock", farthing.settings.now, note="the clock is set by hand: invoices will carry its dates")
    yield from _database(farthing)
    if farthing.cache is not None:
        yield _cache(farthing.cache)
    if farthing.customers.mongo is not None:
        yield from mongodb_findings(farthing.customers.mongo)
    if waiting := sum(len(owed.store.organizations()) for owed in farthing.owed):
        yield Finding("names", f"owed to usage for {waiting} organisations", note="`farthing serve` tells them")


def _cache(cache: RedisServer) -> Finding:
    try:
        return Finding("cache", cache.version())
    except Gone as error:
        return Finding("cache", "does not answer", note=f"everything works without it, only slower: {error}")


def _database(farthing: Farthing) -> Iterator[Finding]:
    match farthing.database.dialect:
        case "sqlite":
            old = sqlite3.sqlite_version_info < SOUND_WAL
            yield Finding("sqlite", sqlite3.sqlite_version, note=OLD_WAL if old else None)
            yield _expected(farthing, "PRAGMA journal_mode", "wal", "journal mode")
            yield _expected(farthing, "PRAGMA synchronous", "2", "synchronous (2 is FULL)")
        case "postgresql":
            yield _expected(farthing, "SHOW server_version", None, "postgresql")
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                yield _expected(farthing, f"SHOW {name}", "on", name)
        case _:
            yield _expected(farthing, "SELECT version()", None, "mariadb")
            yield _expected(farthing, "SELECT @@innodb_flush_log_at_trx_commit", "1", "innodb_flush_log_at_trx_commit")


def _expected(farthing: Farthing, question: str, wanted: str | None, what: str) -> Finding:
    with farthing.database.read() as connection:
        found = str(connection.execute(text(question)).scalar_one())
    wrong = f"it must be {wanted}, or acknowledged writes can be lost" if wanted not in (None, found) else None
    return Finding(what, found, wrong)
