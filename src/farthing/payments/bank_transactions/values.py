"""What a bank transaction is, and the refusals about it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

from farthing.kernel.clock import instant_text
from farthing.kernel.problems import Conflict, Invalid, NotFound
from farthing.kernel.strict_json import dumps
from farthing.pricing.arithmetic import plain

UNMATCHED: Final = "unmatched"
PROPOSED: Final = "proposed"  # a reconciliation has candidates for it, and a person has to say
MATCHED: Final = "matched"
MOST_AT_ONCE: Final = 10_000  # of one statement


@dataclass(frozen=True, slots=True)
class BankTransaction:
    """A transfer that came in, in major units of its currency.

    bank_id         what the bank calls it, where it says so
    mark            what it is unique by: that, or all that it says, and which of the equal ones in its statement
    name, iban      its sender
    customer        whose it is, where somebody said so
    paid_by         whose it was, once it is matched, where it is one customer's
    reconciliation  what matched it
    """

    id: str
    organization: str
    bank_id: str | None
    mark: str
    booked_at: datetime
    amount: Decimal
    currency: str
    reference: str
    name: str | None
    iban: str | None
    customer: str | None
    status: str
    paid_by: str | None
    reconciliation: str | None
    created_at: datetime

    @property
    def sender(self) -> str | None:
        """Its sender's name as it is compared: whatever the case and the spaces."""
        return None if self.name is None else sender_name(self.name)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a statement: `ids` of all its transfers in their order, also of those that were known."""

    accepted: int
    duplicates: int
    ids: tuple[str, ...]


def sender_name(name: str) -> str:
    """A name as names of senders are compared."""
    return " ".join(name.casefold().split())[:255]


def account_number(iban: str) -> str:
    """An IBAN, or whatever the bank calls an account, without spaces and in capitals."""
    return "".join(iban.split()).upper()


def mark_of(
    bank_id: str | None, booked_at: datetime, amount: Decimal, currency: str, reference: str, name: str | None,
    iban: str | None, number: int,
) -> str:
    """What a transfer is unique by: two equal ones in a statement are two, and the same two in the next statement.

    number  of the equal ones before it in its statement
    """
    if bank_id is not None:
        return sha256(dumps(["id", bank_id])).hexdigest()
    said = [instant_text(booked_at), plain(amount), currency, reference, name, iban, str(number)]
    return sha256(dumps(said)).hexdigest()


class BankTransactionNotFound(NotFound):
    """No such bank transaction in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no bank transaction {reference[:120]}.")


class BankIdTaken(Conflict):
    """One identifier of the bank belongs to one transfer."""

    def __init__(self, bank_id: str) -> None:
        super().__init__(f"The bank's id {bank_id} already belongs to a transfer of another amount or currency.")


class BadStatement(Invalid):
    """Transfers that cannot be; each is named by its index."""
