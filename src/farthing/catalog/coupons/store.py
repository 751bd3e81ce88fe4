"""Rows of coupons."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, insert, or_, select, update

from farthing.catalog.coupons.models import coupons
from farthing.catalog.coupons.values import Coupon, CouponKeyTaken
from farthing.kernel.database import refusing
from farthing.kernel.ids import is_id
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.currencies import currency

table = coupons.c


@dataclass(frozen=True, slots=True)
class CouponStore:
    connection: Connection

    def add(self, coupon: Coupon) -> None:
        """Raises CouponKeyTaken; the first one stays."""
        with refusing("coupons_key", CouponKeyTaken(coupon.key)):
            self.connection.execute(insert(coupons).values(_row(coupon)))

    def save(self, changed: Sequence[Coupon]) -> None:
        if changed:
            same = (table.organization == bindparam("own_organization")) & (table.id == bindparam("own_id"))
            rows = [_row(one) | {"own_organization": one.organization, "own_id": one.id} for one in changed]
            self.connection.execute(update(coupons).where(same), rows)

    def find(self, organization: str, reference: str, lock: bool = False) -> Coupon | None:
        """By id or key."""
        name = table.id if is_id(reference, "cpn") else table.key
        query = select(coupons).where((table.organization == organization) & (name == reference))
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else _value(row)

    def held(self, organization: str, references: Collection[str]) -> Mapping[str, Coupon]:
        """Those of these that exist, by id and by key; nobody else gives or changes them meanwhile."""
        named = or_(table.id.in_(list(references)), table.key.in_(list(references)))
        query = select(coupons).where((table.organization == organization) & named).order_by(table.id)
        found = [_value(row) for row in self.connection.execute(query.with_for_update()).mappings()]
        return {one.id: one for one in found} | {one.key: one for one in found}

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Coupon]:
        """Those of these ids that exist."""
        query = select(coupons).where((table.organization == organization) & table.id.in_(list(ids)))
        return {row["id"]: _value(row) for row in self.connection.execute(query).mappings()}

    def page(self, organization: str, after: str, limit: int) -> list[Coupon]:
        mine = (table.organization == organization) & (table.id > after)
        rows = self.connection.execute(select(coupons).where(mine).order_by(table.id).limit(limit)).mappings()
        return [_value(row) for row in rows]

    def remove(self, organization: str, id: str) -> None:
        self.connection.execute(delete(coupons).where(_is(organization, id)))


def _is(organization: str, id: str) -> ColumnElement[bool]:
    return (table.organization == organization) & (table.id == id)


def _row(coupon: Coupon) -> dict[str, Any]:  # Any: a row's columns
    amount = None
    if coupon.amount is not None and coupon.currency is not None:
        amount = to_minor(coupon.amount, currency(coupon.currency))
    return asdict(coupon) | {"amount": amount, "applies_to": list(coupon.applies_to)}


def _value(row: RowMapping) -> Coupon:
    amount = None if row["amount"] is None else from_minor(row["amount"], currency(row["currency"]))
    return Coupon(**{**row, "amount": amount, "applies_to": tuple(row["applies_to"])})
