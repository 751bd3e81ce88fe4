"""Which coupons, tax rates and one-off charges invoices have, in rows that follow the invoices themselves."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from sqlalchemy import Connection, Table, bindparam, delete, insert, select

from farthing.billing.charges.store import ChargeStore
from farthing.billing.invoices.models import coupon_uses, invoice_tax_rates
from farthing.billing.invoices.values import Invoice

Link = tuple[Table, str, Callable[[Invoice], Collection[str]]]  # a table, its column, and what goes there
LINKS: Final[tuple[Link, ...]] = (
    (coupon_uses, "attached", lambda invoice: invoice.coupons),
    (invoice_tax_rates, "rate", lambda invoice: invoice.tax_rates),
)


def link(connection: Connection, changed: Sequence[tuple[Invoice | None, Invoice]]) -> None:
    """Note what invoices have from now on, where it differs from before; None: a new one."""
    for table, name, of in LINKS:
        before = {(was.id, each) for was, _ in changed if was is not None for each in of(was)}
        after = {(now.id, each): now.organization for _, now in changed for each in of(now)}
        gone = [{"own_invoice": invoice, "own_link": each} for invoice, each in sorted(before - after.keys())]
        if gone:
            own = (table.c.invoice == bindparam("own_invoice")) & (table.c[name] == bindparam("own_link"))
            connection.execute(delete(table).where(own), gone)
        new = sorted(after.keys() - before)
        if new:
            rows = [{"organization": after[one], "invoice": one[0], name: one[1]} for one in new]
            connection.execute(insert(table), rows)
    _stand(connection, changed)


def _stand(connection: Connection, changed: Sequence[tuple[Invoice | None, Invoice]]) -> None:
    """Note on which invoice charges stand; one that is gone from its draft waits again (rule 26)."""
    for organization in {now.organization for _, now in changed}:
        mine = [(was, now) for was, now in changed if now.organization == organization]
        after = {charge: now.id for _, now in mine for charge in now.charges}
        known = {charge: was.id for was, _ in mine if was is not None for charge in was.charges}
        new = {charge: invoice for charge, invoice in after.items() if known.get(charge) != invoice}
        ChargeStore(connection).stand(organization, new | dict.fromkeys(known.keys() - after.keys()))


def unlink(connection: Connection, organization: str, drafts: Collection[str]) -> None:
    """Forget what drafts have that are about to be dropped, by id."""
    for table, _, _ in LINKS:
        mine = (table.c.organization == organization) & table.c.invoice.in_(list(drafts))
        connection.execute(delete(table).where(mine))
    ChargeStore(connection).free(organization, list(drafts))


def any_with_rate(connection: Connection, organization: str, rate: str) -> bool:
    """Whether an invoice or a draft has this tax rate."""
    table = invoice_tax_rates.c
    mine = (table.organization == organization) & (table.rate == rate)
    return connection.execute(select(table.invoice).where(mine).limit(1)).first() is not None


def coupon_uses_of(connection: Connection, organization: str, attached: Collection[str]) -> dict[str, set[str]]:
    """The invoices from which these took something, by identifier, as far as they stand (rule 19)."""
    if not attached:
        return {}
    uses = coupon_uses.c
    mine = (uses.organization == organization) & uses.attached.in_(list(attached))
    found: dict[str, set[str]] = {}
    for row in connection.execute(select(uses.attached, uses.invoice).where(mine)):
        found.setdefault(row.attached, set()).add(row.invoice)
    return found
