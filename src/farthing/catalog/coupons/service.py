"""The use cases of coupons."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from farthing.catalog.coupons.schemas import CouponIn, InvoicesIn
from farthing.catalog.coupons.store import CouponStore
from farthing.catalog.coupons.values import Coupon, CouponInUse, CouponNotFound, too_late, too_often
from farthing.kernel.clock import Clock, instant_text
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.schemas import merged, parsed
from farthing.kernel.strict_json import JsonNumber
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.arithmetic import decimals_of, plain
from farthing.pricing.currencies import currency

FIXED = ("key", "percent", "amount", "currency", "duration", "applies_to")


@dataclass(frozen=True, slots=True)
class Coupons:
    """Reductions that customers and subscriptions may be given; billing gives them."""

    database: Database
    now: Clock
    new_id: NewId

    def create(self, caller: Caller, body: CouponIn) -> Coupon:
        """Raises Invalid, CouponKeyTaken."""
        _refuse(_faults(body))
        now = self.now(caller.organization)
        coupon = Coupon(
            id=self.new_id("cpn", now), organization=caller.organization, redemptions=0, version=1, created_at=now,
            updated_at=now, **_said(body),
        )
        with self.database.write() as connection:
            CouponStore(connection).add(coupon)
        return coupon

    def get(self, organization: str, reference: str) -> Coupon:
        """By id or key; raises CouponNotFound."""
        with self.database.read() as connection:
            return _found(CouponStore(connection).find(organization, reference), reference)

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Coupon]:
        """Those of these ids that exist, in one question."""
        if not ids:
            return {}
        with self.database.read() as connection:
            return CouponStore(connection).many(organization, ids)

    def page(self, caller: Caller, listing: Listing) -> Page[Coupon]:
        with self.database.read() as connection:
            rows = CouponStore(connection).page(caller.organization, listing.position, listing.limit + 1)
        return listing.page(rows, lambda coupon: coupon.id)

    def redeem(self, organization: str, references: Mapping[str, str]) -> Sequence[Coupon]:
        """Count coupons as given, in the order of their names, inside the caller's transaction.

        references  id or key of each coupon, by the field that named it, for refusals
        raises      CouponNotFound, NotRedeemable
        """
        now = self.now(organization)
        with self.database.write() as connection:
            store = CouponStore(connection)
            held = dict(store.held(organization, references.values()))
            given: list[Coupon] = []
            for field, reference in references.items():
                coupon = _redeemed(_found(held.get(reference), reference), field, now)
                held |= {coupon.id: coupon, coupon.key: coupon}
                given.append(coupon)
            store.save([held[coupon.id] for coupon in given])
        return given

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Coupon:
        """Change the name, `redeem_by` and `max_redemptions` by JSON merge patch.

        raises  CouponNotFound, Stale, and Invalid for what is fixed, or fewer redemptions than there are
        """
        with self.database.write() as connection:
            store = CouponStore(connection)
            current = _found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            before = parsed(CouponIn, _as_sent(current))
            after = parsed(CouponIn, merged(_as_sent(current), patch))
            rule = "is fixed, because whoever was given the coupon counts on it; make another coupon"
            _refuse([FieldError(name, rule) for name in FIXED if getattr(before, name) != getattr(after, name)])
            if after.max_redemptions is not None and after.max_redemptions < current.redemptions:
                message = f"must be at least {current.redemptions}, as often as it was redeemed"
                _refuse([FieldError("max_redemptions", message)])
            changed = replace(
                current, name=after.name, redeem_by=after.redeem_by, max_redemptions=after.max_redemptions,
                version=current.version + 1, updated_at=self.now(current.organization),
            )
            store.save([changed])
        return changed

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Raises CouponNotFound, Stale, and CouponInUse once it was given to anybody."""
        with self.database.write() as connection:
            store = CouponStore(connection)
            current = _found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            if current.redemptions:
                raise CouponInUse(current)
            store.remove(current.organization, current.id)


def _redeemed(coupon: Coupon, field: str, now: datetime) -> Coupon:
    """The coupon given once more; raises NotRedeemable."""
    if coupon.redeem_by is not None and now > coupon.redeem_by:
        raise too_late(coupon, field)
    if coupon.max_redemptions is not None and coupon.redemptions >= coupon.max_redemptions:
        raise too_often(coupon, field)
    return replace(coupon, redemptions=coupon.redemptions + 1, version=coupon.version + 1, updated_at=now)


def _faults(body: CouponIn) -> list[FieldError]:
    """What the fields of a coupon make impossible together."""
    if body.amount is None:
        errors = [] if body.percent is not None else [FieldError("percent", "is required, or an amount")]
        return errors if body.currency is None else [*errors, FieldError("currency", "is for an amount only")]
    if body.percent is not None:
        return [FieldError("amount", "must be left out beside a percent: a coupon is one or the other")]
    if body.currency is None:
        return [FieldError("currency", "is required beside an amount")]
    unit = currency(body.currency)
    if decimals_of(body.amount) > unit.decimals:
        return [FieldError("amount", f"has more decimals than {unit.code}, which has {unit.decimals}")]
    if len(set(body.applies_to)) < len(body.applies_to):
        return [FieldError("applies_to", "must name each price once")]
    return []


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise Invalid(f"{errors[0].field} {errors[0].message}.", errors)


def _said(body: CouponIn) -> dict[str, Any]:  # Any: the fields of Coupon
    duration = {"invoices": body.duration.invoices} if isinstance(body.duration, InvoicesIn) else body.duration
    return {
        "key": body.key, "name": body.name, "percent": body.percent, "amount": body.amount,
        "currency": body.currency, "duration": duration, "applies_to": tuple(body.applies_to),
        "redeem_by": body.redeem_by, "max_redemptions": body.max_redemptions,
    }


def _found(coupon: Coupon | None, reference: str) -> Coupon:
    if coupon is None:
        raise CouponNotFound(reference)
    return coupon


def _as_sent(one: Coupon) -> dict[str, object]:
    """A coupon as its author would send it again."""
    duration = one.duration if isinstance(one.duration, str) else {"invoices": JsonNumber(str(one.invoices))}
    sent: dict[str, object | None] = {
        "key": one.key, "name": one.name, "percent": None if one.percent is None else plain(one.percent),
        "amount": None if one.amount is None else plain(one.amount), "currency": one.currency, "duration": duration,
        "applies_to": list(one.applies_to), "redeem_by": None if one.redeem_by is None else instant_text(one.redeem_by),
        "max_redemptions": None if one.max_redemptions is None else JsonNumber(str(one.max_redemptions)),
    }
    return {name: value for name, value in sent.items() if value is not None}
