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
from farthing.bench.follow import follow, usage
from farthing.bench.growth import growth
from farthing.bench.ingest import ingest
from farthing.bench.over_http import over_http
from farthing.bench.pdf import pdf
from farthing.bench.read import read
from farthing.bench.simulation import simulation
from farthing.cli.opening import Json, say
from farthing.kernel.telemetry import configure_logs


class What(StrEnum):
    """What can be measured."""

    INGEST = "ingest"
    HTTP = "http"
    GROWTH = "growth"
    FOLLOW = "follow"
    USAGE = "usage"
    BILL_RUN = "bill-run"
    READ = "read"
    SIMULATION = "simulation"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class Amount:
    """How many events, invoices or answers, and how many events are there before."""

    rows: int
    stored: int


@dataclass(frozen=True, slots=True)
class Bench:
    """A measurement, and how many rows it takes unless told otherwise."""

    measure: Callable[[Path, Amount], Sequence[Figure | Skipped]]
    rows: int
    stored: bool = False  # whether it can begin on a store that is not empty


BENCHES: Final[Mapping[What, Bench]] = {
    What.INGEST: Bench(lambda place, amount: ingest(place, amount.rows, amount.stored), 20_000, stored=True),
    What.HTTP: Bench(lambda place, amount: over_http(place, amount.rows, amount.stored), 20_000, stored=True),
    What.GROWTH: Bench(lambda place, amount: growth(place, amount.rows), 10_000),
    What.FOLLOW: Bench(lambda place, amount: follow(place, amount.rows), 20_000),
    What.USAGE: Bench(lambda place, amount: usage(place, amount.rows), 2_000),
    What.BILL_RUN: Bench(lambda place, amount: bill_run(place, amount.rows), 1_000),
    What.READ: Bench(lambda place, amount: read(place, amount.rows), 2_000),
    What.SIMULATION: Bench(lambda place, amount: simulation(place, amount.rows), 1_000),
    What.PDF: Bench(lambda place, amount: pdf(place, amount.rows), 500),
}


def add_to(app: typer.Typer) -> None:
    app.command()(bench)


def bench(
    what: Annotated[What | None, typer.Argument(help="What to measure; everything unless told.")] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="How many events, invoices or answers.")
    ] = None,
    stored: Annotated[
        int, typer.Option(min=0, max=100_000_000, help="How many events are there before (ingest, http).")
    ] = 0,
    folder: Annotated[
        Path, typer.Option(help="Where the disk is that is measured; what is made there is removed.")
    ] = Path(),
    as_json: Json = False,
) -> None:
    """Measure speeds on this machine as shares of the least that could be done."""
    configure_logs("error", "text")
    if stored and (what is None or not BENCHES[what].stored):
        raise typer.BadParameter(f"{what or 'all of it'} begins on an empty store.", param_hint="--stored")
    with TemporaryDirectory(prefix="farthing-bench-", dir=folder) as place:
        sync = sync_seconds(Path(place))
        heading = f"{_machine()}\nA durable write of 4 KiB takes {sync * 1000:.2f} ms."
        figures = _all_measured([what] if what else list(What), rows, stored, Path(place), "" if as_json else heading)
    if as_json:
        say({"machine": _machine(), "sync_ms": float(f"{sync * 1000:.3g}"), "figures": [one.json for one in figures]})


def _all_measured(
    asked: Sequence[What], rows: int | None, stored: int, place: Path, heading: str
) -> list[Figure | Skipped]:
    """heading  told first, and each figure as soon as it is there; "": nothing is told"""
    if heading:
        typer.echo(heading)
    figures: list[Figure | Skipped] = []
    for one in asked:
        made = _measured(one, rows, stored, place)
        figures += made
        if heading:
            typer.echo("\n".join(line for figure in made for line in figure.lines))
    return figures


def _measured(what: What, rows: int | None, stored: int, place: Path) -> Sequence[Figure | Skipped]:
    folder = place / what.value
    folder.mkdir()
    try:
        return BENCHES[what].measure(folder, Amount(rows or BENCHES[what].rows, stored))
    except WrongAnswer as error:
        typer.echo(f"farthing: {what} measured nothing: {error}.", err=True)
        raise typer.Exit(1) from error


def _machine() -> str:
    return (
        f"farthing {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} processors ({platform.system()} {platform.machine()})"
    )
