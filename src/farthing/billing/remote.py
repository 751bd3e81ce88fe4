"""Billing where it runs elsewhere."""

from dataclasses import dataclass

from farthing.customers import CustomerUse, CustomerUses
from farthing.kernel.remote import Remote


@dataclass(frozen=True, slots=True)
class RemoteUses:
    """Keeps `CustomerUses` by asking the service of billing; raises RoomAway where it does not answer."""

    billing: Remote

    def use_of(self, organization: str, customer: str) -> CustomerUse:
        return self.billing.ask(CustomerUses.use_of, organization, customer)
