"""`farthing customers`: the customer book as a whole."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from farthing.cli.opening import Json, say
from farthing.customers.copying import Copied, copy_book
from farthing.customers.places import SCHEMES, CustomerPlace, customer_place, mongo_place
from farthing.kernel.migrate import migrate
from farthing.kernel.opening import database_url, open_database
from farthing.kernel.problems import Misconfigured

customers = typer.Typer(no_args_is_help=True, help="The customer book.")
EXAMPLES = "sqlite:///PATH, postgresql://..., mysql://... or mongodb://..."



def add_to(app: typer.Typer) -> None:
    app.add_typer(customers, name="customers")


@customers.callback()
def root() -> None:
    """The customer book."""


@customers.command("copy")
def copy_customers(
    source: Annotated[str, typer.Option("--from", help=f"Where they are: {EXAMPLES}.")],
    target: Annotated[str, typer.Option("--to", help="Where they go, told in the same way.")],
    as_json: Json = False,
) -> None:
    """Copy all customers of all organisations to another store; again, it brings what is missing or newer.

    Exit status 1 when an organisation does not have as many customers there as here. Stop whoever writes to the
    source before the last time, and give the services the new URL after it.
    """
    if source == target:
        raise typer.BadParameter("must not be where the customers are", param_hint="--to")
    with _opened("--from", source) as here, _opened("--to", target) as there:
        copied = _with_bar(here, there)
        owing = here.owed.organizations()
    if as_json:
        say(_document(copied, owing))
    else:
        _tell(copied, owing)
    if owing or not copied.complete:
        raise typer.Exit(1)


@contextmanager
def _opened(option: str, url: str) -> Iterator[CustomerPlace]:
    """A store at this version's schema; raises BadParameter, Misconfigured, Unavailable."""
    if not url:
        raise typer.BadParameter(f"must be {EXAMPLES}", param_hint=option)
    if url.startswith(SCHEMES):
        place = mongo_place(url, option)
        try:
            yield place
        finally:
            place.close()
        return
    try:
        file = database_url(url, Path())
    except Misconfigured as error:
        raise typer.BadParameter(f"must be {EXAMPLES}; {error}", param_hint=option) from error
    if option == "--from" and file.get_backend_name() == "sqlite" and not Path(file.database or "").is_file():
        raise typer.BadParameter(f"there is no file {file.database}", param_hint=option)
    database = open_database(url, Path())
    try:
        migrate(database)
        yield customer_place("", database)
    finally:
        database.engine.dispose()


def _with_bar(here: CustomerPlace, there: CustomerPlace) -> Copied:
    columns = (TextColumn("Copying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("", total=None)
        return copy_book(
            here.store, there.store, lambda seen, total: bar.update(task, completed=seen, total=total), _tell_held
        )


def _tell_held() -> None:
    typer.echo("Somebody is changing these customers, or was killed doing so: waiting for the end of that.", err=True)


def _tell(copied: Copied, owing: list[str]) -> None:
    typer.echo(f"{copied.added} added, {copied.replaced} replaced, {copied.left} left as they were")
    for id, reason in copied.refused:
        typer.echo(f"  {id}: {reason}", err=True)
    for organization, (here, there) in copied.counts.items():
        if here != there:
            typer.echo(f"  {organization} has {here} customers in the source and {there} in the target", err=True)
    for organization in owing:
        typer.echo(f"  usage has still to be told names of {organization}: let the source do so first", err=True)


def _document(copied: Copied, owing: list[str]) -> dict[str, object]:
    return {
        "added": copied.added, "replaced": copied.replaced, "left": copied.left,
        "refused": [{"customer": id, "reason": reason} for id, reason in copied.refused],
        "organizations": [
            {"organization": one, "from": here, "to": there} for one, (here, there) in copied.counts.items()
        ],
        "owing": owing, "complete": copied.complete and not owing,
    }
