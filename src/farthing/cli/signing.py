"""`farthing identity`: the keys that sign access tokens."""

from typing import Annotated

import typer

from farthing.cli.opening import Home, Json, opened, say
from farthing.identity.tokens.keys import KNOWN_FIRST, LOOK_AGAIN
from farthing.identity.tokens.service import Tokens

identity = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(identity, name="identity")


@identity.command()
def rotate(home: Home = None, as_json: Json = False) -> None:
    """Add a signing key; the old one verifies until it is withdrawn."""
    with opened(home) as farthing:
        ring = farthing[Tokens].signer.keys
        key = ring.read(ring.rotate())
        old = [one.kid for one in ring.all() if one.kid != key.kid]
    if as_json:
        say({"kid": key.kid, "old": old})
        return
    soon = int((LOOK_AGAIN + KNOWN_FIRST).total_seconds())
    typer.echo(f"{key.kid} is published within {int(LOOK_AGAIN.total_seconds())} seconds and signs within {soon}.")
    typer.echo("Tokens of the old key are good for 15 minutes more; after that: farthing identity withdraw KID")
    for kid in old:
        typer.echo(f"  old: {kid}")


@identity.command("keys")
def list_keys(home: Home = None, as_json: Json = False) -> None:
    """List the keys, oldest first; the last one signs."""
    with opened(home) as farthing:
        kids = [key.kid for key in farthing[Tokens].key_set()]
    if as_json:
        say({"data": kids})
        return
    for kid in kids:
        typer.echo(kid)


@identity.command()
def withdraw(
    kid: Annotated[str, typer.Argument(help="The key's name, as `farthing identity keys` lists it.")],
    home: Home = None,
) -> None:
    """Take a key away: the tokens that it signed end everywhere within two minutes."""
    with opened(home) as farthing:
        farthing[Tokens].signer.keys.withdraw(kid)
    typer.echo(f"{kid} is withdrawn.")
