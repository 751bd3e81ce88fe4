"""`farthing bench`: speeds, each beside a floor measured in the same run."""

import os
import platform
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from farthing import __version__
from farthing.bench.bill_run import bill_run
from farthing.bench.figures import Figure, Skipped, WrongAnswer, sync_seconds
from farthing.bench.ingest import ingest
from farthing.bench.read import read
from farthing.cli.opening import Json, say
from farthing.kernel.telemetry import configure_logs


class What(StrEnum):
    """What can be measured."""

    INGEST = "ingest"
    BILL_RUN = "bill-run"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Bench:
    """A measurement, and how many rows it takes unless told otherwise."""

    measure: Callable[[Path, int], Sequence[Figure | Skipped]]
    rows: int


BENCHES: Final[Mapping[What, Bench]] = {
    What.INGEST: Bench(ingest, 20_000), What.BILL_RUN: Bench(bill_run, 1_000), What.READ: Bench(read, 2_000),
}


def add_to(app: typer.Typer) -> None:
    app.command()(bench)


def bench(
    what: Annotated[What | None, typer.Argument(help="What to measure; everything unless told.")] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="How many events, invoices or answers.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Where the disk is that is measured; what is made there is removed.")
    ] = Path(),
    as_json: Json = False,
) -> None:
    """Measure speeds on this machine as shares of the least that could be done."""
    configure_logs("error", "text")
    figures: list[Figure | Skipped] = []
    with TemporaryDirectory(prefix="farthing-bench-", dir=folder) as place:
        sync = sync_seconds(Path(place))
        if not as_json:
            typer.echo(_machine())
            typer.echo(f"A durable write of 4 KiB takes {sync * 1000:.2f} ms.")
        for one in [what] if what else list(What):
            made = _measured(one, rows, Path(place))
            figures += made
            if not as_json:
                typer.echo("\n".join(line for figure in made for line in figure.lines))
    if as_json:
        say({"machine": _machine(), "sync_ms": float(f"{sync * 1000:.3g}"), "figures": [one.json for one in figures]})


def _measured(what: What, rows: int | None, place: Path) -> Sequence[Figure | Skipped]:
    folder = place / what.value
    folder.mkdir()
    try:
        return BENCHES[what].measure(folder, rows or BENCHES[what].rows)
    except WrongAnswer as error:
        typer.echo(f"farthing: {what} measured nothing: {error}.", err=True)
        raise typer.Exit(1) from error


def _machine() -> str:
    return (
        f"farthing {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} processors ({platform.system()} {platform.machine()})"
    )
