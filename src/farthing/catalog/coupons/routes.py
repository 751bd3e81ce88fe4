"""Coupons over HTTP."""

from farthing.catalog.coupons.schemas import CouponIn, CouponOut
from farthing.catalog.coupons.service import Coupons
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, created, precondition, provided, shown

routes = Routes("coupons")


@routes.post("/v1/coupons", scope=Scope.WRITE, body=CouponIn, answer=CouponOut, status=201)
def create_coupon(caller: Caller, body: CouponIn) -> Answer:
    """Add a coupon, to be given to customers and subscriptions."""
    coupon = provided(Coupons).create(caller, body)
    return created(CouponOut.of(coupon), f"/v1/coupons/{coupon.id}")


@routes.get("/v1/coupons", scope=Scope.READ, query=ListQuery, answer=CouponOut, paged=True)
def list_coupons(caller: Caller, query: ListQuery) -> ListShown:
    """The coupons, oldest first."""
    place = listing("coupons", caller.organization, query.limit, query.after)
    return shown(provided(Coupons).page(caller, place), CouponOut.of)


@routes.get("/v1/coupons/<reference>", scope=Scope.READ, answer=CouponOut)
def get_coupon(caller: Caller, reference: str) -> CouponOut:
    """One coupon, by id or key."""
    return CouponOut.of(provided(Coupons).get(caller.organization, reference))


@routes.patch("/v1/coupons/<reference>", scope=Scope.WRITE, answer=CouponOut)
def update_coupon(caller: Caller, reference: str, patch: object) -> CouponOut:
    """Change a coupon by JSON merge patch: its name, and how long and how often it may be redeemed."""
    return CouponOut.of(provided(Coupons).update(caller, reference, patch, precondition()))


@routes.delete("/v1/coupons/<reference>", scope=Scope.WRITE)
def delete_coupon(caller: Caller, reference: str) -> None:
    """Remove a coupon that nobody was given."""
    provided(Coupons).delete(caller, reference, precondition())
