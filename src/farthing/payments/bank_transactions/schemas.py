"""Bank transactions over the wire."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from farthing.kernel.clock import NotAnInstant, instant_from
from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import Exactly, InstantOut, Line, ListQuery, Reference, Schema, Shown
from farthing.payments.bank_transactions.values import BankTransaction, Imported
from farthing.pricing.arithmetic import money
from farthing.pricing.currencies import currency

REMITTANCE: Final = 1_000  # characters of what somebody wrote on a transfer


def _booked(value: object) -> datetime:
    text = str(value)
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-11-20") else None
    except ValueError:
        day = None
    if day is not None:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        return instant_from(text)
    except NotAnInstant as error:
        raise ValueError(f'must be a day such as "2026-11-20", or a date and time: {error}') from error


Booked = Annotated[
    datetime, BeforeValidator(_booked),
    WithJsonSchema({"type": "string", "description": "a day, or a date and time", "examples": ["2026-11-20"]}),
]


class CounterpartyIn(Schema):
    """Who sent it, as the bank says."""

    name: Line | None = None
    iban: Line | None = None


class BankTransactionIn(Schema):
    """A transfer that came in; `id` is the bank's own."""

    id: Line | None = None
    reference_id: Line | None = None
    booked_at: Booked
    amount: Annotated[Exactly, Field(gt=0)]
    currency: CurrencyCode
    reference: Annotated[str, StringConstraints(max_length=REMITTANCE)] = ""
    counterparty: CounterpartyIn = CounterpartyIn()
    customer: Reference | None = None


class BankTransactionQuery(ListQuery):
    """What narrows the list."""

    status: Literal["unmatched", "proposed", "matched"] | None = None


class CounterpartyOut(Shown):
    """Who sent it."""

    name: str | None
    iban: str | None


class BankTransactionOut(Shown):
    """A transfer that came in; `reconciliation` is the one that matched it."""

    id: str
    reference_id: str | None
    booked_at: InstantOut
    amount: str
    currency: str
    reference: str
    counterparty: CounterpartyOut
    customer: str | None
    status: str
    reconciliation: str | None
    created_at: InstantOut

    @classmethod
    def of(cls, one: BankTransaction) -> "BankTransactionOut":
        return cls(
            id=one.id, reference_id=one.bank_id, booked_at=one.booked_at,
            amount=money(one.amount, currency(one.currency)), currency=one.currency, reference=one.reference,
            counterparty=CounterpartyOut(name=one.name, iban=one.iban), customer=one.paid_by or one.customer,
            status=one.status, reconciliation=one.reconciliation, created_at=one.created_at,
        )


class ImportedOut(Shown):
    """What became of a statement: `ids` in the order of its transfers, those that were known before too."""

    accepted: int
    duplicates: int
    ids: list[str]

    @classmethod
    def of(cls, done: Imported) -> "ImportedOut":
        return cls(accepted=done.accepted, duplicates=done.duplicates, ids=list(done.ids))


_TEXT: Final = {"type": "string", "maxLength": 255}
_ONE: Final[dict[str, Any]] = {  # Any: JSON Schema
    "type": "object", "required": ["booked_at", "amount", "currency"],
    "properties": {
        "id": _TEXT | {"description": "the bank's own; `reference_id` says the same"}, "reference_id": _TEXT,
        "booked_at": {"type": "string", "description": "a day, or a date and time"},
        "amount": {"type": ["string", "number"]}, "currency": {"type": "string"},
        "reference": {"type": "string", "maxLength": REMITTANCE},
        "counterparty": {"type": "object", "properties": {"name": _TEXT, "iban": _TEXT}},
        "customer": _TEXT | {"description": "whose it is, where that is known; id or key"},
    },
}
_ALL: Final = {"type": "array", "items": _ONE}
COLUMNS: Final = (
    *("id", "reference_id", "booked_at", "amount", "currency", "reference"),
    *("counterparty_name", "counterparty_iban", "customer"),
)
BODIES: Final = {
    "application/json": {"oneOf": [
        {"type": "object", "required": ["transactions"], "properties": {"transactions": _ALL}}, _ALL, _ONE,
    ]},
    "text/csv": {"type": "string", "description": f"a header with some of {', '.join(COLUMNS)}, then a line each"},
}
"""What `POST /v1/bank-transactions` takes, as `/openapi.json` tells it."""
