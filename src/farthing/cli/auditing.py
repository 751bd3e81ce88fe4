"""`farthing audit`: who changed what."""

from dataclasses import asdict
from typing import Annotated

import typer

from farthing.cli.opening import Home, Json, Org, caller_of, opened, say
from farthing.kernel.audit import AuditStore
from farthing.kernel.clock import instant_text
from farthing.kernel.strict_json import dumps


def add_to(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    home: Home = None,
    org: Org = None,
    row: Annotated[str | None, typer.Option("--of", help="Only changes of this row, by its id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Who changed what, before and after; the newest first. Customers kept in MongoDB are not in it."""
    with opened(home) as farthing:
        caller = caller_of(farthing, org)
        with farthing.database.read() as connection:
            found = AuditStore(connection).page(caller.organization, row, None, limit)
    if as_json:
        say([asdict(one) | {"at": instant_text(one.at)} for one in found])
        return
    for one in found:
        who = " ".join(part for part in (one.actor_kind, one.actor) if part)
        typer.echo(f"{instant_text(one.at)}  {who}  {one.call}\n    {one.object} {one.row}")
        for name in dict.fromkeys([*(one.before or {}), *(one.after or {})]):
            was, is_now = (dumps(side.get(name)).decode() if side else "-" for side in (one.before, one.after))
            typer.echo(f"    {name}: {was} -> {is_now}")
