"""`farthing orgs`, `farthing users` and `farthing keys`: who may do what."""

from typing import Annotated

import typer

from farthing.cli.opening import Home, Json, Org, caller_of, opened, say
from farthing.identity.api_keys.schemas import ApiKeyIn, ApiKeyOut
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.organizations.schemas import OrganizationOut
from farthing.identity.organizations.service import Organizations
from farthing.kernel.credentials import Scope
from farthing.kernel.schemas import parsed

orgs = typer.Typer(no_args_is_help=True, help="Organisations.")
users = typer.Typer(no_args_is_help=True, help="Users who log in.")
keys = typer.Typer(no_args_is_help=True, help="API keys of programs.")
Scopes = Annotated[str, typer.Option(help="Comma-separated: read, write, ingest, admin.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(orgs, name="orgs")
    app.add_typer(users, name="users")
    app.add_typer(keys, name="keys")


@orgs.command("create")
def create_org(
    name: Annotated[str, typer.Option(help="Its name.")],
    timezone: Annotated[str, typer.Option(help="IANA time zone.")] = "UTC",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make an organisation."""
    with opened(home) as farthing:
        organization = farthing[Organizations].create(name, timezone=timezone, currency=currency)
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


@keys.command("create")
def create_key(
    scopes: Scopes,
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make an API key; its secret is shown now and never again."""
    body = parsed(ApiKeyIn, {"scopes": scopes.split(","), "name": name})
    with opened(home) as farthing:
        wanted = [Scope(scope) for scope in body.scopes]
        key, secret = farthing[ApiKeys].create(caller_of(farthing, org), wanted, body.name)
    if as_json:
        say(ApiKeyOut.of(key, secret))
    else:
        typer.echo(secret)
