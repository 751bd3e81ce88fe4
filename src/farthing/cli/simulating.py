"""`farthing simulate`: a random but repeatable company through everything that can happen."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from sqlalchemy.engine import URL

from farthing.app import Farthing, open_farthing
from farthing.cli.opening import Home, Json, opened, say, settings_of
from farthing.cli.verifying import shown, summary, tell
from farthing.kernel.telemetry import configure_logs
from farthing.simulation.running import Simulated, simulate

COLUMNS: Final = ("invoiced", "paid", "due", "credit")


def add_to(app: typer.Typer) -> None:
    app.command("simulate")(simulate_company)


def simulate_company(
    months: Annotated[int, typer.Option(min=1, max=120, help="How long it lives, from January 2026 on.")] = 14,
    seed: Annotated[int, typer.Option(help="What happens: the same seed brings the same invoices anywhere.")] = 7,
    customers: Annotated[int, typer.Option(min=1, max=10_000, help="How many it has in the end.")] = 20,
    temporary: Annotated[bool, typer.Option("--temporary", help="In a store of its own, dropped at the end.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Run a random but repeatable company in a sandbox, and verify its books; exit status 1 when something is wrong."""
    with _store(temporary, home) as farthing, _progress(as_json) as progress:
        found = simulate(farthing, seed, months, customers, progress)
    if as_json:
        say(_shown(found))
    else:
        _tell(found)
    if not found.sound:
        raise typer.Exit(1)


@contextmanager
def _store(temporary: bool, home: Home) -> Iterator[Farthing]:
    if not temporary:
        with opened(home) as farthing:
            yield farthing
        return
    with TemporaryDirectory(prefix="farthing-simulation-") as folder:
        file = URL.create("sqlite", database=f"{folder}/farthing.db")
        configure_logs("warning", "text")
        farthing = open_farthing(settings_of(Path(folder), database_url=file.render_as_string()))
        try:
            yield farthing
        finally:
            farthing.close()


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, a line for every month elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None if quiet or done % 30 else typer.echo(f"Day {done} of {total}", err=True)
        return
    columns = (TextColumn("Days"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell(found: Simulated) -> None:
    typer.echo(f"Organisation {found.organization}: {found.customers} customers, {found.invoices} invoices in "
               f"{found.months} months of seed {found.seed}.\n")
    typer.echo(f"{'':4}{'invoiced':>16}{'paid':>16}{'due':>16}{'credit':>16}")
    for one in found.sums:
        amounts = one.shown
        typer.echo(amounts["currency"] + " " + "".join(f"{amounts[name]:>16}" for name in COLUMNS))
    typer.echo("\nWhat happened, and how often:")
    for name, count in found.done.items():
        typer.echo(f"{count:>8}  {name.replace('_', ' ')}")
    typer.echo("\nWhat was refused, and why:")
    for name, count in found.refused.items():
        typer.echo(f"{count:>8}  {name.replace('_', ' ')}")
    typer.echo(f"\nDigest {found.digest}")
    for checked in found.verified:
        tell(checked)
    typer.echo(summary(list(found.verified)))


def _shown(found: Simulated) -> dict[str, object]:
    return {
        "organization": found.organization, "seed": found.seed, "months": found.months,
        "customers": found.customers, "invoices": found.invoices, "sums": [one.shown for one in found.sums],
        "done": found.done, "refused": found.refused, "digest": found.digest,
        "checks": [shown(one) for one in found.verified],
    }
