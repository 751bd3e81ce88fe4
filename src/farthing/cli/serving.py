"""`farthing serve` and `farthing migrate`."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from farthing.cli.opening import Home, opened, settings_of
from farthing.kernel.migrate import newest_version
from farthing.kernel.problems import Misconfigured
from farthing.kernel.settings import ROOMS, Settings, text_of


def add_to(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(migrate)


def serve(
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[str | None, typer.Option(help="Port to listen on.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help=f"Serve this room alone, or some of them: {', '.join(ROOMS)}; the others run elsewhere."),
    ] = None,
) -> None:
    """Serve the interface over HTTP until it is told to stop."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    settings = settings_of(home, host=host, port=port, only=",".join(only) if only else None)
    _check_free(settings)
    os.environ.update(settings.variables)
    _check_store(home)
    rooms = f" ({text_of(settings.only)})" if settings.only else ""
    typer.echo(f"Farthing{rooms} on http://{settings.host}:{settings.port} with its data in {settings.home}", err=True)
    Granian(
        "farthing.app:wsgi", factory=True, address=settings.host, port=settings.port, interface=Interfaces.WSGI,
        workers=1, blocking_threads=settings.threads, log_level=LogLevels.error, websockets=False,
    ).serve()


def _check_store(home: Path | None) -> None:
    """Tell in one line what cannot be opened, before a worker is started; raises Exit.

    In a process of its own: a store's client has threads, and a worker forked beside them would find the locks
    that they held taken for ever.
    """
    child = os.fork()
    if child == 0:
        with opened(home):
            os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise typer.Exit(1)


def _check_free(settings: Settings) -> None:
    """Raises Misconfigured when nobody can listen there."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Misconfigured(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; give another with --port."
            ) from error


def migrate(home: Home = None) -> None:
    """Bring the store to the schema of this version; every command does so by itself."""
    with opened(home):
        typer.echo(f"The store is at {newest_version()}.")
