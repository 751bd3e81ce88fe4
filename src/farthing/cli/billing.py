"""`farthing bill-run` and `farthing invoices`."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from farthing.app import Farthing
from farthing.billing.bill_runs.schemas import BillRunIn, BillRunOut
from farthing.billing.bill_runs.service import BillRuns
from farthing.billing.bill_runs.values import FAILED, BillRun
from farthing.billing.invoices.explain import Explainer
from farthing.billing.invoices.schemas import InvoiceOut, InvoiceQuery
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.shown import ExplanationOut
from farthing.billing.invoices.store import Search
from farthing.billing.invoices.told import as_text, in_words
from farthing.billing.invoices.values import Invoice
from farthing.cli.opening import Home, Json, Org, caller_of, opened, say
from farthing.customers.service import Customers
from farthing.kernel.clock import instant_text
from farthing.kernel.credentials import Caller
from farthing.kernel.pagination import MOST, listing
from farthing.kernel.schemas import parsed
from farthing.pricing.arithmetic import money
from farthing.pricing.currencies import currency

invoices = typer.Typer(no_args_is_help=True, help="Invoices.")


def add_to(app: typer.Typer) -> None:
    app.command("bill-run")(bill_run)
    app.add_typer(invoices, name="invoices")


def bill_run(
    as_of: Annotated[str | None, typer.Option(help="RFC 3339 moment; now unless told.")] = None,
    customer: Annotated[list[str] | None, typer.Option(help="Only this one, by id or key; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be made, and store nothing.")] = False,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make every invoice that is due by a moment, once."""
    with opened(home) as farthing:
        caller = caller_of(farthing, org)
        moment = as_of or instant_text(farthing.now(caller.organization))
        body = parsed(BillRunIn, {"as_of": moment, "customers": customer or None, "dry_run": dry_run})
        run = _with_bar(farthing[BillRuns], caller, body)
    if as_json:
        say(BillRunOut.of(run))
    else:
        verb = "would be made" if dry_run else "made"
        typer.echo(f"{run.id}  {run.status}  {run.invoices} invoices {verb}")
        for parked in run.parked:
            typer.echo(f"  parked {parked.subscription}: {parked.reason}")
    if run.status == FAILED:
        typer.echo(f"farthing: the run failed: {run.error}; running it again goes on where it stopped.", err=True)
        raise typer.Exit(1)


def _with_bar(service: BillRuns, caller: Caller, body: BillRunIn) -> BillRun:
    columns = (TextColumn("Billing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("", total=None)
        return service.run(caller, body, lambda run: bar.update(task, completed=run.done, total=run.total))


@invoices.command("list")
def list_invoices(
    customer: Annotated[str | None, typer.Option(help="Customer, by id or key.")] = None,
    status: Annotated[str | None, typer.Option(help="draft, open, paid, void or uncollectible.")] = None,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show all invoices, every page."""
    query = parsed(InvoiceQuery, {key: value for key, value in (("customer", customer), ("status", status)) if value})
    with opened(home) as farthing:
        caller = caller_of(farthing, org)
        owner = farthing[Customers].get(caller.organization, query.customer).id if query.customer else None
        found: list[Invoice] = []
        after: str | None = None
        while True:
            place = listing("invoices", caller.organization, MOST, after)
            page = farthing[Invoices].page(caller, Search(customer=owner, status=query.status), place)
            found += page.data
            if page.next is None:
                break
            after = page.next
    if as_json:
        say({"data": [InvoiceOut.of(one).model_dump(mode="json") for one in found], "next": None})
    else:
        print_invoices(found)


def print_invoices(found: list[Invoice]) -> None:
    """A table on a terminal, plain lines elsewhere."""
    rows = [
        (one.number or "draft", str(one.buyer["name"]),
         f"{money(one.totals.total, currency(one.currency))} {one.currency}", one.status)
        for one in found
    ]
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("  ".join(row))
        return
    table = Table("Number", "Customer", "Total", "Status")
    table.columns[2].justify = "right"
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@invoices.command("show")
def show_invoice(
    reference: Annotated[str, typer.Argument(help="Its id or number.")],
    explain: Annotated[bool, typer.Option("--explain", help="Tell under each line how it came about.")] = False,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show one invoice with its lines."""
    with opened(home) as farthing:
        caller = caller_of(farthing, org)
        one = farthing[Invoices].get(caller.organization, reference)
        explained = explanations(farthing, caller, one) if explain else []
    if as_json:
        shown = InvoiceOut.of(one).model_dump(mode="json")
        told = {"explanations": [each.model_dump(mode="json") for each in explained]} if explain else {}
        say(shown | told)
        return
    print_invoices([one])
    texts = {each.line: in_words(each) for each in explained}
    for line in one.lines:
        typer.echo(f"  {line.description}  {line.quantity}  {money(line.amount, currency(one.currency))}")
        for text in texts.get(line.id, ()):
            typer.echo(f"    {text}")


@invoices.command("explain")
def explain_invoice(
    reference: Annotated[str, typer.Argument(help="Its id or number.")],
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show where each line's amount comes from."""
    with opened(home) as farthing:
        caller = caller_of(farthing, org)
        explained = explanations(farthing, caller, farthing[Invoices].get(caller.organization, reference))
    if as_json:
        say([one.model_dump(mode="json") for one in explained])
    else:
        print_explanations(explained)


def explanations(farthing: Farthing, caller: Caller, invoice: Invoice) -> list[ExplanationOut]:
    """Where each line's amount comes from."""
    return [
        ExplanationOut.of(farthing[Explainer].explain(
            caller, invoice.id, line.id, listing(f"explain/{line.id}", caller.organization)
        ))
        for line in invoice.lines
    ]


def print_explanations(explained: list[ExplanationOut]) -> None:
    """What was counted, the steps, the one rounding, and what was taken off."""
    for one in explained:
        typer.echo(as_text(one), nl=False)
