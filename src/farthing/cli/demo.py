"""`farthing demo`: sample data to finished invoices, in one go."""

import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy.engine import URL

from farthing.app import Farthing, open_farthing
from farthing.billing.bill_runs.values import COMPLETED, BillRun
from farthing.billing.invoices.values import Invoice
from farthing.cli.billing import explanations, print_explanations, print_invoices
from farthing.cli.opening import program_home, settings_of
from farthing.cli.serving import serve
from farthing.cli.verifying import summary
from farthing.demo.company import METERS, OFFERS
from farthing.demo.customers import CUSTOMERS
from farthing.demo.months import month_name, months_through
from farthing.demo.sample import ZONES, Counted, Sample, open_sample
from farthing.identity.api_keys.service import ApiKeys
from farthing.kernel.clock import ticks
from farthing.kernel.credentials import Scope
from farthing.kernel.problems import Unauthenticated
from farthing.kernel.sealing import Sealing
from farthing.kernel.settings import Settings
from farthing.kernel.telemetry import configure_logs
from farthing.pricing.arithmetic import ZERO, exactly, money
from farthing.pricing.currencies import currency
from farthing.verification import verify

DEFAULT_HOME: Final = Path("farthing-demo")
KEY_FILE: Final = "api-key.txt"
PORTS: Final = 100  # tried from the usual one on


@dataclass(slots=True)
class Steps:
    """Tells each step as it ends, with its seconds, on standard error: what is made goes to standard output."""

    began: float = field(default_factory=ticks)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """The block says what it did by adding to the list."""
        begin, done = ticks(), list[str]()
        yield done
        typer.echo(f"{name:<16}{', '.join(done)}  {ticks() - begin:.1f} s", err=True)

    @property
    def seconds(self) -> float:
        return ticks() - self.began


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    home: Annotated[Path | None, typer.Option(help="Folder for the sample; ./farthing-demo unless told.")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Only make and show it, also on a terminal.")] = False,
) -> None:
    """Make a sample company and bill its last month; on a terminal, serve it then. Again, it adds nothing."""
    folder = home or program_home.get() or DEFAULT_HOME
    settings = _own_settings(folder)
    configure_logs("warning", "text")
    serves = sys.stdout.isatty() and not no_serve
    steps = Steps()
    with closing(_opened(settings, folder, steps)) as farthing:
        sample = open_sample(farthing)
        _make(sample, steps)
        found = sample.invoices()
        if not found:
            typer.echo("farthing: no month has ended yet since this sample began; what does its clock say?", err=True)
            raise typer.Exit(1)
        _show(sample, found, steps)
        port = _free_port(settings.host, settings.port) if serves else settings.port
        _tell_what_next(_key_of(sample), found[-1], folder, f"http://{settings.host}:{port}", serves)
        _verify(farthing)
    if serves:
        if port != settings.port:
            typer.echo(f"Port {settings.port} is taken; port {port} instead.", err=True)
        os.environ.update(settings.variables)  # of the sample, whatever database the environment names
        serve(folder, port=str(port))


def _own_settings(folder: Path) -> Settings:
    """The sample lies in a file of its own, never in a database that the environment names."""
    file = URL.create("sqlite", database=str(folder.expanduser().absolute() / "farthing.db"))
    return settings_of(folder, database_url=file.render_as_string())


def _opened(settings: Settings, folder: Path, steps: Steps) -> Farthing:
    with steps.step("Store") as done:
        farthing = open_farthing(settings)
        done.append(f"in {folder}")
    return farthing


def _make(sample: Sample, steps: Steps) -> None:
    with steps.step("Catalogue") as done:
        done.append(f"{len(METERS)} meters and {len(OFFERS)} plans")
        done.append(_new(sample.add_catalogue()))
    with steps.step("Customers") as done:
        currencies = len({customer.currency for customer in CUSTOMERS})
        done.append(f"{len(CUSTOMERS)} in {currencies} currencies and {len(ZONES)} time zones")
        done.append(_new(sample.add_customers()))
    with steps.step("Subscriptions") as done:
        begun = sample.add_subscriptions()
        done += [str(len(CUSTOMERS)), _new(begun)]
    for month in months_through(sample.first_month(), sample.last_month()):
        counted = _send(sample, month, steps)
        if counted.new and not begun:
            typer.echo(f"{month_name(month)} has ended since the last time; its usage and invoices come now.", err=True)
        _bill(sample, month, steps)


def _send(sample: Sample, month: date, steps: Steps) -> Counted:
    with steps.step("Usage") as done:
        counted = sample.send_usage(month)
        done.append(f"{counted.new + counted.repeated:,} events of {month_name(month)}")
        done.append(f"{counted.new:,} new, {counted.repeated:,} seen before")
    return counted


def _bill(sample: Sample, month: date, steps: Steps) -> BillRun:
    with steps.step("Invoices") as done:
        run = sample.bill(month)
        done.append(f"{run.invoices} made for {month_name(month)}")
    for parked in run.parked:
        typer.echo(f"  parked {parked.subscription}: {parked.reason}", err=True)
    if run.status != COMPLETED:
        typer.echo(f"farthing: the bill run failed: {run.error}; running the demo again goes on from there.", err=True)
        raise typer.Exit(1)
    return run


def _new(count: int) -> str:
    return f"{count} new" if count else "all there already"


def _show(sample: Sample, found: Sequence[Invoice], steps: Steps) -> None:
    """On a terminal the list comes first and what is worth reading stays in sight; elsewhere the list ends it."""
    parts: list[Callable[[], None]] = [
        lambda: print_invoices(list(found)), lambda: _print_totals(found), lambda: _print_explained(sample, found),
    ]
    typer.echo(f"{'Ready':<16}{len(found)} invoices, {found[0].number} to {found[-1].number}  "
               f"{steps.seconds:.1f} s\n", err=True)
    for part in parts if sys.stdout.isatty() else reversed(parts):
        part()
        if part is not parts[0] or sys.stdout.isatty():
            typer.echo("")


def _print_totals(found: Sequence[Invoice]) -> None:
    typer.echo("Invoiced, by currency:")
    for code in sorted({one.currency for one in found}):
        totals = [one.totals.total for one in found if one.currency == code]
        with exactly():
            amount = money(sum(totals, ZERO), currency(code))
        typer.echo(f"  {amount} {code} on {len(totals)} invoices")


def _print_explained(sample: Sample, found: Sequence[Invoice]) -> None:
    """The newest invoice of the first customer, from its events to its amounts."""
    mine = [one for one in found if one.buyer["key"] == CUSTOMERS[0].key]
    one = mine[-1]
    amount = money(one.totals.total, currency(one.currency))
    typer.echo(f"How {one.number} of {one.buyer['name']} comes to {amount} {one.currency}:")
    print_explanations(explanations(sample.farthing, sample.caller, one))


def _tell_what_next(key: str, newest: Invoice, folder: Path, url: str, serves: bool) -> None:
    header = f'-H "Authorization: Bearer {key}"'
    event = '{"id": "first-1", "type": "api.request", "subject": "acme", "data": {"calls": "1000"}}'
    begin = "" if serves else f"Serve it:       farthing serve --home {folder}\n"
    typer.echo(f"""\
{begin}All calls:      {url}/docs
API key:        {key}

One invoice:    curl -s {url}/v1/invoices/{newest.number} {header}
Send usage:     curl -s {url}/v1/events {header} \\
                     -H 'Content-Type: application/json' -d '{event}'
                send it again: a duplicate, and nothing moves
Explain one:    farthing invoices explain {newest.number} --home {folder}

Run the demo again and nobody is billed twice. To forget it, delete the folder {folder}.""", err=True)


def _verify(farthing: Farthing) -> None:
    """Seal the journal and look for everything that may not be, as `farthing verify` does; the last line."""
    farthing[Sealing].seal_all()
    found = list(verify(farthing))
    for one in found:
        for each in one.broken:
            typer.echo(f"  {one.check.name}: {each.row}: {each.problem}", err=True)
    typer.echo(f"\n{summary(found)}", err=True)
    if not all(one.holds for one in found):
        raise typer.Exit(1)


def _key_of(sample: Sample) -> str:
    """The demo's API key: made once and kept beside the sample, since the store itself only has its hash."""
    keys, place = sample.farthing[ApiKeys], sample.farthing.settings.home / KEY_FILE
    if place.is_file():
        secret = place.read_text("ascii").strip()
        try:
            keys.holder(secret)
            return secret
        except Unauthenticated:
            pass  # cut off before it was stored, or deleted since
    with sample.farthing.database.write():
        _, secret = keys.create(sample.caller, [Scope.ADMIN], "demo")
        place.touch(mode=0o600)
        place.write_text(f"{secret}\n", "ascii")
    return secret


def _free_port(host: str, first: int) -> int:
    """The first port from this one on that nobody listens on; this one itself when all are taken."""
    for port in range(first, min(first + PORTS, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return port
            except OSError:
                continue
    return first
