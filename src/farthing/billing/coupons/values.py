"""What a coupon that was given is, and the refusals about it."""

from dataclasses import dataclass
from datetime import datetime

from farthing.kernel.problems import Conflict


@dataclass(frozen=True, slots=True)
class AttachedCoupon:
    """A coupon of a customer, or of one subscription of it; of several, the first applied is the oldest."""

    id: str
    organization: str
    coupon: str
    customer: str
    subscription: str | None
    attached_at: datetime

    @property
    def owner(self) -> str:
        """Whose it is: the subscription's where it was given to one, else the customer's."""
        return self.subscription or self.customer


class CouponAttached(Conflict):
    """A coupon is given once to the same customer or subscription."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"{owner} has been given this coupon already.")
