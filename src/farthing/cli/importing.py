"""`farthing import`: usage from a file."""

import typer


def add_to(app: typer.Typer) -> None:
    """Filled in when the importers are there."""
