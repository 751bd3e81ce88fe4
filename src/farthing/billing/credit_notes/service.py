"""The use cases of credit notes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from farthing.billing.credit_notes.issuing import Issuing
from farthing.billing.credit_notes.schemas import CreditNoteIn
from farthing.billing.credit_notes.standing import standing_lines
from farthing.billing.credit_notes.store import CreditNoteStore
from farthing.billing.credit_notes.values import BadCreditNote, CreditNote, CreditNoteNotFound, all_left, creditable
from farthing.billing.invoices.holding import held_invoice
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import found
from farthing.billing.subscriptions.accounts import held_customer
from farthing.customers import CustomerBook
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError
from farthing.pricing.arithmetic import TooManyDecimals, amount_from
from farthing.pricing.currencies import Currency, currency


@dataclass(frozen=True, slots=True)
class CreditNotes:
    """Giving back what finalised invoices charged, and the notes that say so."""

    database: Database
    customers: CustomerBook
    issuing: Issuing

    def create(self, caller: Caller, body: CreditNoteIn) -> CreditNote:
        """Give back some lines, or all that is left of an invoice (rule 20).

        raises InvoiceNotFound, NotCreditable, BadCreditNote, CustomerChanging
        """
        with self.database.write() as connection:
            _, invoice = held_invoice(connection, caller.organization, body.invoice)
            standing = standing_lines(connection, [creditable(invoice)])
            held_customer(connection, self.customers, caller.organization, invoice.customer)  # rule 23
            amounts = _amounts(body, currency(invoice.currency)) or all_left(invoice, standing)
            now = self.issuing.now(caller.organization)
            decided = self.issuing.decide(
                connection, invoice, amounts, body.reason, now, body.refund, standing=standing
            )
            [note] = self.issuing.number(connection, [decided])
        return note

    def get(self, organization: str, reference: str) -> CreditNote:
        """By id or number; raises CreditNoteNotFound."""
        with self.database.read() as connection:
            note = CreditNoteStore(connection).find(organization, reference)
        if note is None:
            raise CreditNoteNotFound(reference)
        return note

    def page(self, caller: Caller, customer: str | None, invoice: str | None, listing: Listing) -> Page[CreditNote]:
        """The credit notes, oldest first; raises CustomerNotFound, InvoiceNotFound."""
        owner = self.customers.get(caller.organization, customer).id if customer else None
        with self.database.read() as connection:
            of = found(InvoiceStore(connection).find(caller.organization, invoice), invoice).id if invoice else None
            store = CreditNoteStore(connection)
            rows = store.page(caller.organization, owner, of, listing.position, listing.limit + 1)
        return listing.page(rows, lambda note: note.id)

    def customer_keys(self, caller: Caller, notes: Iterable[CreditNote]) -> Mapping[str, str | None]:
        """The keys of the customers of these notes, by id."""
        return self.customers.keys(caller.organization, {one.customer for one in notes})


def _amounts(body: CreditNoteIn, unit: Currency) -> dict[str, Decimal]:
    """Net amounts by the identifier of the line, none where all is meant; raises BadCreditNote."""
    if body.lines is None and body.amount is None:
        raise _bad("lines", 'must be given, or "amount": "all" instead')
    if body.lines is not None and body.amount is not None:
        raise _bad("amount", "cannot be given beside lines")
    found: dict[str, Decimal] = {}
    for place, one in enumerate(body.lines or ()):
        if one.line in found:
            raise _bad(f"lines[{place}].line", "is named twice")
        try:
            found[one.line] = amount_from(format(one.amount, "f"), unit)
        except TooManyDecimals as error:
            raise _bad(f"lines[{place}].amount", str(error)) from error
    return found


def _bad(field: str, message: str) -> BadCreditNote:
    return BadCreditNote(f"{field} {message}.", [FieldError(field, message)])
