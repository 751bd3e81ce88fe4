"""The use cases of tax rates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from farthing.catalog import TaxRateUses
from farthing.catalog.tax_rates.schemas import TaxRateIn
from farthing.catalog.tax_rates.store import TaxRateStore
from farthing.catalog.tax_rates.values import TaxRate, TaxRateInUse, TaxRateNotFound
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.schemas import merged, parsed
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.arithmetic import plain

TAXED = "S"  # the one category of ours that may come to more than nothing


@dataclass(frozen=True, slots=True)
class TaxRates:
    """The taxes that invoices bear; which of them a line takes is `pricing.taxes`."""

    database: Database
    now: Clock
    new_id: NewId
    uses: TaxRateUses

    def create(self, caller: Caller, body: TaxRateIn) -> TaxRate:
        """Raises Invalid, TaxRateKeyTaken."""
        now = self.now(caller.organization)
        rate = TaxRate(
            id=self.new_id("tax", now), organization=caller.organization, version=1, created_at=now, updated_at=now,
            **body.model_dump(),
        )
        with self.database.write() as connection:
            store = TaxRateStore(connection)
            _refuse(rate, store.all(rate.organization))
            store.add(rate)
        return rate

    def get(self, organization: str, reference: str) -> TaxRate:
        """By id or key; raises TaxRateNotFound."""
        with self.database.read() as connection:
            return _found(TaxRateStore(connection).find(organization, reference), reference)

    def all(self, organization: str, hold: bool = False) -> Sequence[TaxRate]:
        """All of an organisation's, oldest first; `hold`: until the caller's transaction ends they stay as they are."""
        with self.database.read() as connection:
            return TaxRateStore(connection).all(organization, hold)

    def page(self, caller: Caller, listing: Listing) -> Page[TaxRate]:
        with self.database.read() as connection:
            rows = TaxRateStore(connection).page(caller.organization, listing.position, listing.limit + 1)
        return listing.page(rows, lambda rate: rate.id)

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> TaxRate:
        """Lay a JSON merge patch over a rate; all but its key may change.

        Drafts are taxed by what it says when they are made again, and finalised invoices keep what they have.
        raises  TaxRateNotFound, Stale, Invalid
        """
        with self.database.write() as connection:
            store = TaxRateStore(connection)
            current = _found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            body = parsed(TaxRateIn, merged(_as_sent(current), patch))
            if body.key != current.key:
                raise _invalid("key", f"is fixed: this tax rate is {current.key}")
            now = self.now(current.organization)
            changed = replace(current, version=current.version + 1, updated_at=now, **body.model_dump())
            _refuse(changed, store.all(current.organization))
            store.save(changed)
        return changed

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Raises TaxRateNotFound, Stale, and TaxRateInUse while an invoice or a draft has it."""
        with self.database.write() as connection:
            store = TaxRateStore(connection)
            current = _found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            if self.uses.taxed(current.organization, current.id):
                raise TaxRateInUse(current)
            store.remove(current.organization, current.id)


def _refuse(rate: TaxRate, others: Sequence[TaxRate]) -> None:
    """What the fields of a rate make impossible together, or beside the others (rules 19 and 27); raises Invalid."""
    if rate.region is not None and rate.country is None:
        raise _invalid("region", "needs a country: a rate without one is for all customers (rule 27)")
    if rate.category != TAXED and rate.percent:
        raise _invalid("percent", f"must be 0 in category {rate.category}; only {TAXED} is taxed")
    for other in others:
        if other.id != rate.id and other.place == rate.place and other.inclusive != rate.inclusive:
            kind = "inclusive" if other.inclusive else "not inclusive"
            lines = f"tax rate {other.key}, which is {kind}, falls on the same lines"
            raise _invalid("inclusive", f"must be the same as there: {lines} (rule 19)")


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(f"{field} {message}.", [FieldError(field, message)])


def _found(rate: TaxRate | None, reference: str) -> TaxRate:
    if rate is None:
        raise TaxRateNotFound(reference)
    return rate


def _as_sent(rate: TaxRate) -> dict[str, object]:
    """A rate as its author would send it again."""
    return {name: getattr(rate, name) for name in TaxRateIn.model_fields} | {"percent": plain(rate.percent)}
