"""`farthing import`: usage from a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from farthing.app import Farthing
from farthing.billing.subscriptions.schemas import SubscriptionIn
from farthing.billing.subscriptions.service import Subscriptions
from farthing.catalog import Plan, PlanNotFound
from farthing.catalog.meters.schemas import MeterIn
from farthing.catalog.meters.service import Meters
from farthing.catalog.meters.values import MeterNotFound
from farthing.catalog.plans.schemas import PlanIn, PlanVersionIn
from farthing.catalog.plans.service import Plans
from farthing.cli.opening import Home, Json, Org, caller_of, opened, say
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.customers.values import CustomerNotFound
from farthing.kernel.credentials import Caller
from farthing.kernel.schemas import parsed
from farthing.pricing.prices import Cell, Matrix
from farthing.usage.imports.files import opened as reading
from farthing.usage.imports.focus import FocusCatalogue, focus_catalogue, focus_rows
from farthing.usage.imports.reading import detected
from farthing.usage.imports.service import Imports
from farthing.usage.imports.values import ImportResult

Format = Literal["csv", "ndjson", "parquet", "access-log", "focus"]


def add_to(app: typer.Typer) -> None:
    app.command("import")(import_file)


def import_file(
    file: Annotated[str, typer.Argument(help='The file, gzipped or not; "-" for standard input.')],
    format: Annotated[Format | None, typer.Option(help="What it holds; told by its name unless given.")] = None,
    source: Annotated[str | None, typer.Option(help="`source` of events that name none.")] = None,
    with_catalogue: Annotated[
        bool, typer.Option("--with-catalogue", help="FOCUS: make customers, meter, plan and subscriptions too.")
    ] = False,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Read usage from a file; the same file again adds nothing, and a grown one what is new."""
    path = None if file == "-" else Path(file)
    if path is not None and not path.is_file():
        raise typer.BadParameter(f"there is no file {file}", param_hint="FILE")
    wanted = format or (detected(path) if path else None)
    if wanted is None:
        raise typer.BadParameter("the file's name does not tell what it holds", param_hint="--format")
    if with_catalogue and (wanted != "focus" or path is None):
        raise typer.BadParameter("goes with a FOCUS file", param_hint="--with-catalogue")
    with opened(home) as farthing:
        caller = caller_of(farthing, org)
        if with_catalogue and path is not None:
            _make_catalogue(farthing, caller, path)
        with _input(path) as stream:
            result = _with_bar(farthing[Imports], caller, stream, wanted, source)
    _tell(result, as_json)


@contextmanager
def _input(path: Path | None) -> Iterator[Path | BinaryIO]:
    yield path if path is not None else sys.stdin.buffer


def _with_bar(
    imports: Imports, caller: Caller, file: Path | BinaryIO, format: str, source: str | None
) -> ImportResult:
    columns = (SpinnerColumn(), TextColumn("{task.completed} lines"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("", total=None)
        return imports.import_file(caller, file, format, source, lambda line: bar.update(task, completed=line))


def _tell(result: ImportResult, as_json: bool) -> None:
    names = ("accepted", "duplicates", "conflicts", "rejected", "skipped")
    counts = {name: getattr(result, name) for name in names}
    if as_json:
        say(counts | {"errors": [{"line": line, "message": message} for line, message in result.errors]})
        return
    typer.echo(", ".join(f"{name} {count}" for name, count in counts.items() if count or name != "skipped"))
    for line, message in result.errors:
        typer.echo(f"  line {line}: {message}", err=True)


def _make_catalogue(farthing: Farthing, caller: Caller, path: Path) -> None:
    """What a FOCUS file needs to be billed at its list prices; what is there already stays."""
    with reading(path) as stream:
        needed = focus_catalogue(focus_rows(stream))
    try:
        farthing[Meters].get(caller.organization, needed.meter["key"])
    except MeterNotFound:
        farthing[Meters].create(caller, parsed(MeterIn, needed.meter))
    plan = _plan(farthing[Plans], caller, needed)
    for customer in needed.customers:
        try:
            farthing[Customers].get(caller.organization, customer["key"])
        except CustomerNotFound:
            farthing[Customers].create(caller, parsed(CustomerIn, customer))
            body = {"customer": customer["key"], "plan": plan.key, "starts_at": needed.first_month}
            farthing[Subscriptions].create(caller, parsed(SubscriptionIn, body | {"anchor": "calendar"}))


def _plan(plans: Plans, caller: Caller, needed: FocusCatalogue) -> Plan:
    """The plan with a cell for each price of the file: made, or its next version where cells were missing."""
    wanted = parsed(PlanIn, needed.plan)
    try:
        current = plans.get(caller.organization, wanted.key)
    except PlanNotFound:
        return plans.create(caller, wanted)
    known = _cells(current)
    new = [cell for cell in needed.plan["prices"][0]["cells"] if tuple(cell["values"]) not in known]
    if not new:
        return current
    typer.echo(
        f"The file has {len(new)} prices that {current.key}@{current.version} lacks: new customers get version "
        f"{current.version + 1}; moving existing subscriptions to it is not available yet.", err=True,
    )
    price = {**needed.plan["prices"][0], "cells": [*current.documents[0]["cells"], *new]}
    fields = {name: value for name, value in needed.plan.items() if name != "key"}
    return plans.create_version(caller, current.id, parsed(PlanVersionIn, fields | {"prices": [price]}))


def _cells(plan: Plan) -> dict[tuple[str | None, ...], Cell]:
    charge = plan.prices[0].charge
    return {cell.values: cell for cell in charge.cells} if isinstance(charge, Matrix) else {}
