"""A statement of transfers while its invoices are looked for (rule 24); see `reconciling`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from farthing.pricing.transfers import OPEN, Answer, Owed, Proposal, Transfer


@dataclass(frozen=True, slots=True)
class Found:
    """What one kind of search found for a transfer.

    doubt  why the only answer is not to be used without asking; "" where it may be
    """

    answers: Sequence[Answer] = ()
    reason: str = ""
    doubt: str = ""


@dataclass(slots=True)
class Shelf:
    """Invoices that can still be paid, of one currency and, but for the whole shelf, of one customer."""

    owed: list[Owed] = field(default_factory=list)  # by what is due, the smallest first
    dues: list[int] = field(default_factory=list)

    def add(self, one: Owed) -> None:
        self.owed.append(one)
        self.dues.append(one.due)


@dataclass(slots=True)
class Statement:
    """A run over transfers: what is known, what is still open, what was taken.

    payers  whose the names of senders are, as far as each is one customer's
    taken   the transfer that an invoice was used for
    doubts  why a transfer is not matched by itself any more, and notes that its reason ends with
    """

    transfers: Sequence[Transfer]
    invoices: Mapping[str, Owed]  # by number
    payers: dict[str, str]
    taken: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    shelves: dict[str, Shelf] = field(default_factory=dict)  # by currency
    of_customers: dict[tuple[str, str], Shelf] = field(default_factory=dict)  # by currency and customer

    def customer_of(self, transfer: Transfer) -> str | None:
        """Whom it is known to come from."""
        known = (self.payers[payer] for payer in transfer.payers if payer in self.payers)
        return transfer.customer or next(known, None)

    def waiting(self) -> list[Transfer]:
        return [one for one in self.transfers if one.id not in self.proposals]

    def sort(self) -> None:
        """Put what is still open on its shelves."""
        self.shelves, self.of_customers = {}, {}
        free = (one for one in self.invoices.values() if one.status == OPEN and one.id not in self.taken)
        for one in sorted(free, key=lambda one: (one.due, one.number)):
            self.shelves.setdefault(one.currency, Shelf()).add(one)
            self.of_customers.setdefault((one.currency, one.customer), Shelf()).add(one)

    def shelf(self, transfer: Transfer) -> Shelf:
        """What it may pay: of its sender where that is known, else anything in its currency."""
        customer = self.customer_of(transfer)
        if customer is None:
            return self.shelves.get(transfer.currency, Shelf())
        return self.of_customers.get((transfer.currency, customer), Shelf())
