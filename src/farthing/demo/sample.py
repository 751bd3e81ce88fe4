"""Putting the sample into a store, through the use cases; whatever is there already stays as it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from farthing.app import Farthing
from farthing.billing.bill_runs.schemas import BillRunIn
from farthing.billing.bill_runs.service import BillRuns
from farthing.billing.bill_runs.values import BillRun
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.store import Search as InvoiceSearch
from farthing.billing.invoices.values import Invoice
from farthing.billing.subscriptions.schemas import SubscriptionIn
from farthing.billing.subscriptions.service import Subscriptions
from farthing.billing.subscriptions.store import Search as SubscriptionSearch
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog.meters.schemas import MeterIn
from farthing.catalog.meters.service import Meters
from farthing.catalog.plans.schemas import PlanIn
from farthing.catalog.plans.service import Plans
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.customers.values import Search as CustomerSearch
from farthing.demo.company import COMPANY, METERS, OFFERS
from farthing.demo.customers import CUSTOMERS
from farthing.demo.months import closing, last_complete_month, local_month
from farthing.demo.usage import usage_of
from farthing.identity import Organization
from farthing.identity.organizations.service import Organizations
from farthing.kernel.clock import instant_text
from farthing.kernel.credentials import Caller, operator
from farthing.kernel.pagination import MOST, Listing, Page, listing
from farthing.kernel.problems import Conflict
from farthing.kernel.schemas import parsed
from farthing.kernel.strict_json import dumps, loads
from farthing.usage.events.bodies import Batch
from farthing.usage.events.service import Events
from farthing.usage.events.values import Sent

BATCH: Final = 1_000
ZONES: Final = tuple(ZoneInfo(name) for name in sorted({customer.timezone for customer in CUSTOMERS}))
T = TypeVar("T")


class NotASample(Conflict):
    """A store that holds somebody's own data is left alone."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of a month's events."""

    new: int
    repeated: int  # stored before: they count once, however often they are sent (rule 16)


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample company in one store; each method makes what is missing, in one transaction or short ones."""

    farthing: Farthing
    organization: Organization

    def add_catalogue(self) -> int:
        """Meters and plans; how many of them were new."""
        meters = {meter.key for meter in self.farthing[Meters].all(self.organization.id)}
        plans = {plan.key for plan in self._every("plans", self.farthing[Plans].page)}
        new_meters = [meter for meter in METERS if meter["key"] not in meters]
        new_offers = [offer for offer in OFFERS if offer.key not in plans]
        with self.farthing.database.write():
            for meter in new_meters:
                self.farthing[Meters].create(self.caller, parsed(MeterIn, _sent(meter)))
            for offer in new_offers:
                self.farthing[Plans].create(self.caller, parsed(PlanIn, _sent(offer.body)))
        return len(new_meters) + len(new_offers)

    def add_customers(self) -> int:
        """How many of them were new."""
        book = self.farthing[Customers]
        known = {
            customer.key
            for customer in self._every("customers", lambda caller, place: book.page(caller, CustomerSearch(), place))
        }
        new = [customer for customer in CUSTOMERS if customer.key not in known]
        with self.farthing.database.write():
            for customer in new:
                book.create(self.caller, parsed(CustomerIn, _sent(customer.body)))
        return len(new)

    def add_subscriptions(self) -> int:
        """Everybody's, from the first month on; how many of them were new."""
        known = {one.key for one in self._subscriptions()}
        first = self.first_month()
        new = [customer for customer in CUSTOMERS if customer.subscription_key not in known]
        with self.farthing.database.write():
            for customer in new:
                starts_at = local_month(first, ZoneInfo(customer.timezone)).start
                body = customer.subscription(instant_text(starts_at))
                self.farthing[Subscriptions].create(self.caller, parsed(SubscriptionIn, _sent(body)))
        return len(new)

    def first_month(self) -> date:
        """The month in which the sample began: when it was first made, the last complete one."""
        begun = [one.first_day for one in self._subscriptions()]
        return min(begun, default=self.last_month())

    def last_month(self) -> date:
        """The newest month that is over, and its grace too, wherever customers live."""
        return last_complete_month(self.farthing.now(self.organization.id), ZONES, self._grace)

    def send_usage(self, month: date) -> Counted:
        """Everybody's events of a month, in batches; those that were sent before are not counted again."""
        events = (event for customer in CUSTOMERS for event in usage_of(customer, month))
        new = repeated = 0
        while some := list(islice(events, BATCH)):
            batch = Batch([Sent(index, event) for index, event in enumerate(some)], False, False)
            done = self.farthing[Events].ingest(self.caller, batch, skip=False)
            new += done.accepted
            repeated += done.duplicates + done.conflicts
        return Counted(new, repeated)

    def bill(self, month: date) -> BillRun:
        """Make every invoice that was due when the month had closed everywhere, the same whatever the clock says."""
        self.farthing[BillRuns].resume()  # one that was cut off goes first
        as_of = instant_text(closing(month, ZONES, self._grace))
        return self.farthing[BillRuns].run(self.caller, parsed(BillRunIn, {"as_of": as_of}), lambda run: None)

    def invoices(self) -> list[Invoice]:
        """Every numbered invoice, by number."""
        service = self.farthing[Invoices]
        found = self._every("invoices", lambda caller, place: service.page(caller, InvoiceSearch(), place))
        return sorted((one for one in found if one.number), key=lambda one: one.number or "")

    @property
    def caller(self) -> Caller:
        return operator(self.organization.id)

    @property
    def _grace(self) -> timedelta:
        return timedelta(seconds=self.organization.grace_seconds)

    def _subscriptions(self) -> list[Subscription]:
        """The sample's own: somebody may have added others since."""
        service, own = self.farthing[Subscriptions], {customer.subscription_key for customer in CUSTOMERS}
        search = SubscriptionSearch(now=self.farthing.now(self.organization.id))
        found = self._every("subscriptions", lambda caller, place: service.page(caller, search, place))
        return [one for one in found if one.key in own]

    def _every(self, name: str, page: Callable[[Caller, Listing], Page[T]]) -> list[T]:
        return list(_rows(name, self.caller, page))


def open_sample(farthing: Farthing) -> Sample:
    """The sample in this store, made in an empty one; raises NotASample when it holds something else."""
    organizations = farthing[Organizations]
    first = organizations.first()
    caller = operator(first.id)
    if first.name != COMPANY["name"]:
        if farthing[Meters].all(first.id) or farthing[Customers].page(caller, CustomerSearch(), _first(caller)).data:
            raise NotASample(
                f"{farthing.settings.home} holds the data of {first.name}; the demo makes its sample in a folder of "
                "its own: give it another one with --home."
            )
        first = organizations.update(caller, _sent(COMPANY))
    return Sample(farthing, first)


def _first(caller: Caller) -> Listing:
    return listing("customers", caller.organization, 1)


def _rows(name: str, caller: Caller, page: Callable[[Caller, Listing], Page[T]]) -> Iterator[T]:
    """All rows of a list, page by page."""
    after: str | None = None
    while True:
        found = page(caller, listing(name, caller.organization, MOST, after))
        yield from found.data
        after = found.next
        if after is None:
            return


def _sent(body: object) -> object:
    """A body as it would arrive."""
    return loads(dumps(body))
