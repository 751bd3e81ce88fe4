"""The customer book where it runs elsewhere."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from farthing.customers import Customer, CustomerBook
from farthing.kernel.problems import Unavailable
from farthing.kernel.remote import Remote

MOST: Final = 100_000  # customers whose keys are remembered


@dataclass(frozen=True, slots=True)
class RemoteCustomers:
    """Keeps `CustomerBook` by asking the service of customers; raises RoomAway where it does not answer.

    seen  keys as they were last seen, by id: what is shown beside an id while the service is away
    """

    customers: Remote
    seen: dict[str, str | None] = field(default_factory=dict)

    def get(self, organization: str, reference: str, hold: bool = False) -> Customer:
        customer = self.customers.ask(CustomerBook.get, organization, reference, hold)
        self._remember({customer.id: customer.key})
        return customer

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        return self.customers.ask(CustomerBook.named, organization, references) if references else {}

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        return self.customers.ask(CustomerBook.many, organization, ids) if ids else {}

    def keys(self, organization: str, ids: Collection[str]) -> Mapping[str, str | None]:
        if not ids:
            return {}
        try:
            found = self.customers.ask(CustomerBook.keys, organization, ids)
        except Unavailable:
            if not self.seen.keys() >= set(ids):
                raise
            return {id: self.seen[id] for id in ids}
        self._remember(found)
        return found

    def _remember(self, keys: Mapping[str, str | None]) -> None:
        if len(self.seen) > MOST:
            self.seen.clear()
        self.seen.update(keys)
