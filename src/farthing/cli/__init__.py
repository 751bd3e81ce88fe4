"""The command line: the same services as over HTTP, on the store itself."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import InterfaceError, OperationalError

from farthing import __version__
from farthing.cli import (
    auditing,
    bench,
    billing,
    checking,
    customers,
    demo,
    importing,
    people,
    rating,
    serving,
    signing,
    simulating,
    verifying,
)
from farthing.cli.opening import failed, program_home
from farthing.kernel.audit.acting import Actor, acting_as
from farthing.kernel.problems import Misconfigured, Refusal

app = typer.Typer(
    name="farthing", no_args_is_help=True, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Usage to invoice, exact to the last minor unit.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"farthing {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder of the database, keys and files.")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Farthing bills usage: events, meters, plans, invoices."""
    program_home.set(home)
    context.with_resource(acting_as(Actor("operator", "", f"farthing {context.invoked_subcommand}")))


for room in (
    *(demo, serving, people, signing, importing, billing, rating, customers, checking, verifying, auditing, simulating,
      bench),
):
    room.add_to(app)


def main() -> None:
    """Run the command line; exit status 0, 1 (failed) or 2 (bad usage)."""
    try:
        app()
    except (Refusal, Misconfigured) as error:
        failed(error)
        sys.exit(1)
    except (OperationalError, InterfaceError) as error:
        failed(Misconfigured(f"the database does not answer: {error.orig}"))
        sys.exit(1)
