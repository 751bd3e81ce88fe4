"""What matching looks at and what it proposes (rule 24); amounts in whole minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from farthing.pricing.arithmetic import from_minor, money
from farthing.pricing.currencies import currency

OPEN: Final = "open"


class Kind(StrEnum):
    """How a transfer was matched, in the order in which it is tried; the last when it was not."""

    REFERENCE = "reference"
    AMOUNT = "amount"
    PAIR = "pair"
    SET = "set"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice as matching sees it.

    status  only what is `open` can be paid; others are known so that a reference to them can be told
    due     what is due on it
    """

    id: str
    number: str
    customer: str
    currency: str
    due: int
    status: str = OPEN


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that came in.

    customer  whose it is, where somebody said so
    payers    names for its sender, the most telling first: by these it may be known from before
    """

    id: str
    amount: int
    currency: str
    reference: str = ""
    customer: str | None = None
    payers: tuple[str, ...] = ()

    @property
    def sender(self) -> tuple[str | None, tuple[str, ...]]:
        """What there is to tell its sender from others."""
        return self.customer, self.payers


@dataclass(frozen=True, slots=True)
class Part:
    """How much of a transfer an invoice would get."""

    invoice: str
    number: str
    customer: str
    amount: int


Answer = tuple[Owed, ...]  # the invoices that a transfer may pay, together


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a transfer may pay, and why.

    ambiguous   a person has to say: there are several answers, or the only one is in doubt
    candidates  each the invoices that it would pay
    """

    transfer: str
    kind: Kind
    ambiguous: bool
    reason: str
    candidates: tuple[tuple[Part, ...], ...] = ()

    @property
    def certain(self) -> tuple[Part, ...]:
        """What can be paid without asking anybody; nothing where it cannot."""
        return () if self.ambiguous or not self.candidates else self.candidates[0]


def parts(transfer: Transfer, answer: Answer) -> tuple[Part, ...]:
    """The transfer's money over these invoices, each as far as it lasts and no more than is due."""
    found: list[Part] = []
    left = transfer.amount
    for one in answer:
        given = min(left, one.due)
        if given > 0:
            found.append(Part(one.id, one.number, one.customer, given))
        left -= given
    return tuple(found)


def told(amount: int, code: str) -> str:
    """An amount in words: `12.30 USD`."""
    unit = currency(code)
    return f"{money(from_minor(amount, unit), unit)} {unit.code}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `A, B and C`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else ""
