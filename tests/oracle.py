"""The invariants that books end with, whatever happened to them: those of `farthing verify`, for one organisation."""

from farthing.app import Farthing
from farthing.billing.invoices.values import Invoice
from farthing.verification import verify
from farthing.verification.reading import every_invoice


def sound_books(farthing: Farthing, organization: str) -> list[Invoice]:
    """All invoices of an organisation, once nothing is wrong with them."""
    apart: dict[str, Farthing] = getattr(farthing, "farthings", {"": farthing})
    for each in apart.values():
        for one in verify(each, [organization]):
            assert one.holds, (one.check.name, one.broken)
    with farthing.database.read() as connection:
        return list(every_invoice(connection, [organization]))
