"""`farthing verify`: the invariants of the books, looked for over the whole store."""

import typer

from farthing.cli.opening import Home, Json, opened, say
from farthing.verification import CHECKS, Verified, verify

SHOWN = 20  # rows of one check on a terminal; --json tells all


def add_to(app: typer.Typer) -> None:
    app.command("verify")(verify_store)


def verify_store(home: Home = None, as_json: Json = False) -> None:
    """Check the whole store: numbers, sums, journal, events and lines; exit status 1 when something is wrong."""
    found: list[Verified] = []
    with opened(home) as farthing:
        for one in verify(farthing):
            found.append(one)
            if not as_json:
                tell(one)
    if as_json:
        say([shown(one) for one in found])
    else:
        typer.echo(summary(found))
    if not all(one.holds for one in found):
        raise typer.Exit(1)


def summary(found: list[Verified]) -> str:
    """How many checks hold, in one line."""
    good = sum(one.holds for one in found)
    left = "" if len(found) == len(CHECKS) else f"; {len(CHECKS) - len(found)} are for services elsewhere"
    return f"{good} of {len(found)} checks hold{left}."


def tell(one: Verified) -> None:
    """A check on a terminal, with the first rows that break it."""
    typer.echo(f"{'ok   ' if one.holds else 'WRONG'} {one.check.name} {one.check.claim}")
    for each in one.broken[:SHOWN]:
        typer.echo(f"      {each.row} of {each.organization}: {each.problem}")
    if len(one.broken) > SHOWN:
        typer.echo(f"      and {len(one.broken) - SHOWN} more; --json tells all")


def shown(one: Verified) -> dict[str, object]:
    """A check in JSON, with every row that breaks it."""
    rows = [{"organization": each.organization, "row": each.row, "problem": each.problem} for each in one.broken]
    return {"check": one.check.name, "claim": one.check.claim, "holds": one.holds, "broken": rows}
