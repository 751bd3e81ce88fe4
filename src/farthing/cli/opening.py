"""What all commands share: the home, the organisation, and how they answer."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from farthing.app import Farthing, open_farthing
from farthing.kernel.credentials import Caller, operator
from farthing.kernel.problems import Misconfigured, Refusal
from farthing.kernel.settings import Settings, load_settings
from farthing.kernel.telemetry import configure_logs

Home = Annotated[Path | None, typer.Option("--home", help="Folder of the database, keys and files.")]
Org = Annotated[str | None, typer.Option("--org", help="Organisation, by id or name; the first one unless told.")]
program_home: ContextVar[Path | None] = ContextVar("farthing_home", default=None)  # `farthing --home DIR command`
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def settings_of(home: Path | None, **overrides: str | None) -> Settings:
    """The settings, `--home` of the command before that of the program; raises Misconfigured."""
    given = home or program_home.get()
    return load_settings(None, home=str(given) if given else None, **overrides)


@contextmanager
def opened(home: Path | None) -> Iterator[Farthing]:
    """The store of this home with its services; made when it is not there."""
    settings = settings_of(home)
    configure_logs("warning" if settings.log_level == "info" else settings.log_level, "text")
    farthing = open_farthing(settings)
    try:
        yield farthing
    finally:
        farthing.close()


def caller_of(farthing: Farthing, org: str | None) -> Caller:
    """The operator, acting for one organisation; raises OrganizationNotFound."""
    organizations = farthing.identity.organizations
    return operator((organizations.named(org) if org else organizations.first()).id)


def say(value: object) -> None:
    """Print JSON: a model, or what is JSON already."""
    shown = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def failed(error: Refusal | Misconfigured) -> None:
    """Tell what is wrong, and where, on standard error."""
    typer.echo(f"farthing: {error}", err=True)
    for one in error.errors if isinstance(error, Refusal) else ():
        place = f"line {one.index + 1}, {one.field}" if one.index is not None else one.field
        typer.echo(f"  {place}: {one.message}", err=True)
