"""`farthing orgs`, `farthing users` and `farthing keys`: who may do what."""

from typing import Annotated

import typer

from farthing.cli.opening import Home, Json, Org, caller_of, opened, say
from farthing.identity.api_keys.schemas import ApiKeyOut
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.organizations.schemas import OrganizationOut
from farthing.identity.organizations.service import Organizations
from farthing.identity.organizations.values import Sandbox
from farthing.identity.users.service import Users
from farthing.kernel.clock import NotAnInstant, instant_from
from farthing.kernel.credentials import Scope

orgs = typer.Typer(no_args_is_help=True, help="Organisations.")
users = typer.Typer(no_args_is_help=True, help="Users who log in.")
keys = typer.Typer(no_args_is_help=True, help="API keys of programs.")
Scopes = Annotated[str, typer.Option(help="Comma-separated: read, write, ingest, admin.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(orgs, name="orgs")
    app.add_typer(users, name="users")
    app.add_typer(keys, name="keys")


def scopes_from(text: str) -> list[Scope]:
    """The scopes of a comma-separated list; raises BadParameter."""
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in set(Scope)]:
        known = ", ".join(scope.value for scope in Scope)
        raise typer.BadParameter(f"{unknown[0]!r} is no scope; known are {known}", param_hint="--scopes")
    return [Scope(name) for name in names]


def sandbox_from(wanted: bool, clock: str | None) -> Sandbox | None:
    """What `--sandbox` and `--clock` say together; raises BadParameter."""
    if not wanted:
        if clock is not None:
            raise typer.BadParameter("only a sandbox has a clock of its own: add --sandbox", param_hint="--clock")
        return None
    try:
        return Sandbox(instant_from(clock) if clock else None)
    except NotAnInstant as error:
        raise typer.BadParameter(str(error), param_hint="--clock") from error


def _one_name(called: str | None, name: str | None) -> str:
    """The name that was given, either way; raises BadParameter."""
    if (called is None) == (name is None):
        raise typer.BadParameter("say the name, once: farthing orgs create NAME", param_hint="NAME")
    return called or name or ""


@orgs.command("create")
def create_org(
    called: Annotated[str | None, typer.Argument(metavar="NAME", help="Its name.")] = None,
    name: Annotated[str | None, typer.Option(help="The same.")] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="To try things in, with a clock of its own.")] = False,
    clock: Annotated[str | None, typer.Option(help="Where a sandbox's clock stands at first, RFC 3339.")] = None,
    timezone: Annotated[str, typer.Option(help="IANA time zone.")] = "UTC",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make an organisation."""
    known_as, apart = _one_name(called, name), sandbox_from(sandbox, clock)
    with opened(home) as farthing:
        organization = farthing[Organizations].create(known_as, apart, timezone=timezone, currency=currency)
    if as_json:
        say(OrganizationOut.of(organization))
    else:
        typer.echo(f"{organization.id}  {organization.name}")


@orgs.command("list")
def list_orgs(home: Home = None, as_json: Json = False) -> None:
    """Show all organisations."""
    with opened(home) as farthing:
        found = farthing[Organizations].all()
    if as_json:
        say([OrganizationOut.of(one).model_dump(mode="json") for one in found])
        return
    for one in found:
        typer.echo(f"{one.id}  {one.name}")


@users.command("create")
def create_user(
    username: Annotated[str, typer.Option(help="The name to log in with.")],
    password: Annotated[str | None, typer.Option(help="8 characters or more; asked for when left out.")] = None,
    scopes: Scopes = "admin",
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a user who logs in with a password."""
    secret = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    with opened(home) as farthing:
        organization = caller_of(farthing, org).organization
        user = farthing[Users].create(organization, username, secret, scopes_from(scopes))
    if as_json:
        say({"id": user.id, "username": user.username, "scopes": sorted(user.scopes)})
    else:
        typer.echo(f"{user.id}  {user.username}")


@keys.command("create")
def create_key(
    scopes: Scopes,
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make an API key; its secret is shown now and never again."""
    with opened(home) as farthing:
        key, secret = farthing[ApiKeys].create(caller_of(farthing, org), scopes_from(scopes), name)
    if as_json:
        say(ApiKeyOut.of(key, secret))
    else:
        typer.echo(secret)
