"""The use cases of bank transactions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from farthing.customers import CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError
from farthing.payments.bank_transactions.schemas import BankTransactionIn
from farthing.payments.bank_transactions.statements import Sent, checked, refuse
from farthing.payments.bank_transactions.store import BankTransactionStore
from farthing.payments.bank_transactions.values import (
    UNMATCHED,
    BankIdTaken,
    BankTransaction,
    BankTransactionNotFound,
    Imported,
    account_number,
    mark_of,
)
from farthing.pricing.arithmetic import TooManyDecimals, amount_from
from farthing.pricing.currencies import currency


@dataclass(frozen=True, slots=True)
class BankTransactions:
    """Statements of banks; the same one again adds nothing (T19)."""

    database: Database
    now: Clock
    new_id: NewId
    customers: CustomerBook

    def take(self, caller: Caller, sent: Sequence[Sent]) -> Imported:
        """Store the transfers of a statement, all or none.

        raises BadStatement naming each bad one, TooLarge, CustomerNotFound, BankIdTaken
        """
        bodies = checked(sent)
        amounts = _amounts(sent, bodies)
        named = {one.customer for one in bodies if one.customer is not None}
        customers = {key: one.id for key, one in self.customers.named(caller.organization, named).items()}
        now = self.now(caller.organization)
        made = [
            self._made(caller.organization, body, amount, customers, now)
            for body, amount in zip(bodies, amounts, strict=True)
        ]
        wanted = _marked(made)
        marks = list(dict.fromkeys(one.mark for one in wanted))
        with self.database.write() as connection:
            store = BankTransactionStore(connection)
            known = store.by_mark(caller.organization, marks)
            store.add([one for one in {one.mark: one for one in reversed(wanted)}.values() if one.mark not in known])
            return _imported(wanted, store.by_mark(caller.organization, marks))

    def get(self, organization: str, id: str) -> BankTransaction:
        """Raises BankTransactionNotFound."""
        with self.database.read() as connection:
            found = BankTransactionStore(connection).find(organization, id)
        if found is None:
            raise BankTransactionNotFound(id)
        return found

    def page(self, organization: str, status: str | None, listing: Listing) -> Page[BankTransaction]:
        """The transfers in the order they were stored."""
        with self.database.read() as connection:
            rows = BankTransactionStore(connection).page(organization, status, listing.position, listing.limit + 1)
        return listing.page(rows, lambda one: one.id)

    def _made(
        self, organization: str, body: BankTransactionIn, amount: Decimal, customers: Mapping[str, str], now: datetime
    ) -> BankTransaction:
        iban = None if body.counterparty.iban is None else account_number(body.counterparty.iban)
        return BankTransaction(
            id=self.new_id("btx", now), organization=organization, bank_id=body.id or body.reference_id, mark="",
            booked_at=body.booked_at, amount=amount, currency=body.currency, reference=body.reference,
            name=body.counterparty.name, iban=iban, status=UNMATCHED, paid_by=None, reconciliation=None,
            customer=None if body.customer is None else customers[body.customer], created_at=now,
        )


def _amounts(sent: Sequence[Sent], bodies: Sequence[BankTransactionIn]) -> list[Decimal]:
    """Each in its currency's own decimals; raises BadStatement."""
    amounts: list[Decimal] = []
    errors: list[FieldError] = []
    for index, (body, one) in enumerate(zip(bodies, sent, strict=True)):
        try:
            amounts.append(amount_from(format(body.amount, "f"), currency(body.currency)))
        except TooManyDecimals as error:
            place = f" ({one.place})" if one.place else ""
            errors.append(FieldError("amount", f"{error}{place}", index))
    refuse(errors)
    return amounts


def _marked(made: Sequence[BankTransaction]) -> list[BankTransaction]:
    """The same with what each is unique by, which counts the equal ones of the statement."""
    seen: Counter[str] = Counter()
    marked: list[BankTransaction] = []
    for one in made:
        said = (one.bank_id, one.booked_at, one.amount, one.currency, one.reference, one.name, one.iban)
        first = mark_of(*said, 0)
        marked.append(replace(one, mark=mark_of(*said, seen[first])))
        seen[first] += 1
    return marked


def _imported(wanted: Sequence[BankTransaction], stored: Mapping[str, BankTransaction]) -> Imported:
    """What became of them; raises BankIdTaken for a bank's id that is another transfer's."""
    for one in wanted:
        known = stored[one.mark]
        if one.bank_id is not None and (one.amount, one.currency) != (known.amount, known.currency):
            raise BankIdTaken(one.bank_id)
    accepted = sum(1 for one in stored.values() if one.id in {each.id for each in wanted})
    return Imported(accepted, len(wanted) - accepted, tuple(stored[one.mark].id for one in wanted))
