"""`farthing rate`: what a price charges, without storing anything."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from farthing.catalog.rates.service import rate_request
from farthing.cli.opening import say
from farthing.kernel.strict_json import loads


def add_to(app: typer.Typer) -> None:
    app.command()(rate)


def rate(
    request: Annotated[
        str, typer.Argument(help='JSON as for POST /v1/rate, a file that holds it, or "-" for standard input.')
    ],
) -> None:
    """Price a quantity or events, with the code that makes invoice lines."""
    say(rate_request(loads(_bytes(request))))


def _bytes(request: str) -> bytes:
    if request == "-":
        return sys.stdin.buffer.read()
    return request.encode() if request.lstrip().startswith("{") else Path(request).read_bytes()
