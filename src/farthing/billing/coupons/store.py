"""Rows of coupons that were given."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select

from farthing.billing.coupons.models import attached_coupons
from farthing.billing.coupons.values import AttachedCoupon, CouponAttached
from farthing.kernel.database import refusing

table = attached_coupons.c
FIELDS = tuple(AttachedCoupon.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class AttachedCouponStore:
    connection: Connection

    def add(self, given: Sequence[AttachedCoupon]) -> None:
        """Coupons given to one owner; raises CouponAttached, and the first one stays."""
        if given:
            with refusing("attached_coupons_once", CouponAttached(given[0].owner)):
                rows = [asdict(one) | {"owner": one.owner} for one in given]
                self.connection.execute(insert(attached_coupons), rows)

    def of_owners(self, organization: str, owners: Collection[str], lock: bool = False) -> list[AttachedCoupon]:
        """In the order in which they were applied; locked, their uses are counted by one transaction at a time."""
        query = select(*(table[name] for name in FIELDS)).where(
            (table.organization == organization) & table.owner.in_(list(owners))
        ).order_by(table.id)
        rows = self.connection.execute(query.with_for_update() if lock else query).mappings()
        return [AttachedCoupon(**row) for row in rows]

    def many(self, organization: str, ids: Collection[str]) -> list[AttachedCoupon]:
        """Those of these ids that exist, in the order in which they were applied."""
        query = select(*(table[name] for name in FIELDS)).where(
            (table.organization == organization) & table.id.in_(list(ids))
        )
        return [AttachedCoupon(**row) for row in self.connection.execute(query.order_by(table.id)).mappings()]
