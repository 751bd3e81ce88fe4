"""What an entry of the journal is; amounts in major units of its currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from farthing.pricing.posting import Posting

INVOICE, PAYMENT, RELEASE, VOID = "invoice", "payment", "release", "void"
APPLIED, CREDIT_NOTE, WRITE_OFF = "applied", "credit_note", "write_off"
ON_ACCOUNT, REFUND, REVERSAL = "on_account", "refund", "reversal"  # money that belongs to no invoice, or went back
TOP_UP, EXPIRY = "top_up", "expiry"  # of paid credit


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something that happened to money, once, as the accounts tell it (rule 22).

    source       what happened, unique in the organisation
    invoice      None for money that belongs to none yet
    day          the accounting day, in the organisation's time zone
    recorded_at  the clock's time when it was written
    """

    id: str
    organization: str
    source: str
    kind: str
    customer: str
    invoice: str | None
    payment: str | None
    currency: str
    day: date
    recorded_at: datetime
    postings: Sequence[Posting] = ()


@dataclass(frozen=True, slots=True)
class DueRelease:
    """Deferred revenue of an invoice that is earned in one month.

    last_day  of that month, local to the subscription; the entry is dated so
    due_at    when that day is over
    """

    organization: str
    invoice: str
    last_day: date
    customer: str
    currency: str
    amount: Decimal
    due_at: datetime
