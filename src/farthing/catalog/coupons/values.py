"""What a coupon of the catalogue is, and the refusals about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from farthing.kernel.clock import instant_text
from farthing.kernel.problems import Conflict, FieldError, Invalid, NotFound
from farthing.pricing import discounts


@dataclass(frozen=True, slots=True)
class Coupon:
    """A reduction that may be given; see `farthing.pricing.discounts.Coupon` for what it takes.

    amount       in major units of `currency`
    duration     "once", "forever" or {"invoices": n}
    redemptions  how often it was given, at most `max_redemptions`
    """

    id: str
    organization: str
    key: str
    name: str
    percent: Decimal | None
    amount: Decimal | None
    currency: str | None
    duration: str | Mapping[str, Any]  # Any: JSON
    applies_to: tuple[str, ...]
    redeem_by: datetime | None
    max_redemptions: int | None
    redemptions: int
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def invoices(self) -> int | None:
        """From how many invoices it takes something; None: from all."""
        if isinstance(self.duration, str):
            return 1 if self.duration == "once" else None
        return int(self.duration["invoices"])

    def given_as(self, id: str) -> discounts.Coupon:
        """What it takes, under the identifier that it was given as."""
        return discounts.Coupon(
            id, self.percent, self.amount, self.currency, frozenset(self.applies_to), self.invoices
        )


class CouponNotFound(NotFound):
    """No such coupon in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no coupon {reference[:120]}.")


class CouponKeyTaken(Conflict):
    """A key names one coupon of an organisation."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key} already names another coupon.")


class CouponInUse(Conflict):
    """A coupon stays once it was given to anybody."""

    def __init__(self, coupon: Coupon) -> None:
        given = f"it was given {coupon.redemptions} times"
        super().__init__(f"Coupon {coupon.id} ({coupon.key}) cannot be deleted: {given}.")


class NotRedeemable(Invalid):
    """A coupon that is not given any more, or not to this one."""

    def __init__(self, coupon: Coupon, field: str, why: str) -> None:
        message = f"names {coupon.key}, {why}"
        super().__init__(f"{field} {message}.", [FieldError(field, message)])


def too_late(coupon: Coupon, field: str) -> NotRedeemable:
    by = "" if coupon.redeem_by is None else instant_text(coupon.redeem_by)
    return NotRedeemable(coupon, field, f"which could be redeemed until {by}")


def too_often(coupon: Coupon, field: str) -> NotRedeemable:
    return NotRedeemable(coupon, field, f"which was redeemed {coupon.max_redemptions} times, the most it may be")
