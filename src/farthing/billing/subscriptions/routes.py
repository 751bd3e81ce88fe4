"""Subscriptions over HTTP."""

from farthing.billing.subscriptions.changing import Changes
from farthing.billing.subscriptions.schemas import (
    CancelIn,
    ChangeIn,
    PauseIn,
    SubscriptionCouponIn,
    SubscriptionIn,
    SubscriptionOut,
    SubscriptionQuery,
)
from farthing.billing.subscriptions.service import Subscriptions
from farthing.billing.subscriptions.store import Search
from farthing.billing.subscriptions.values import Subscription
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.web import Answer, ListShown, Routes, created, precondition, provided, shown

routes = Routes("subscriptions")


@routes.post("/v1/subscriptions", scope=Scope.WRITE, body=SubscriptionIn, answer=SubscriptionOut, status=201)
def create_subscription(caller: Caller, body: SubscriptionIn) -> Answer:
    """Put a customer on a plan; a start in the past is billed period by period."""
    subscription = provided(Subscriptions).create(caller, body)
    return created(_shown(caller, subscription), f"/v1/subscriptions/{subscription.id}")


@routes.get(
    "/v1/subscriptions", scope=Scope.READ, query=SubscriptionQuery, answer=SubscriptionOut, paged=True
)
def list_subscriptions(caller: Caller, query: SubscriptionQuery) -> ListShown:
    """The subscriptions, oldest first."""
    service = provided(Subscriptions)
    place = listing("subscriptions", caller.organization, query.limit, query.after)
    now = service.now(caller.organization)
    page = service.page(caller, Search(now, query.customer, query.status, query.parked), place)
    keys, coupons = service.customer_keys(caller, page.data), service.coupons(caller, page.data)
    return shown(page, lambda one: SubscriptionOut.of(one, keys.get(one.customer), coupons.get(one.id, ()), now))


@routes.get("/v1/subscriptions/<reference>", scope=Scope.READ, answer=SubscriptionOut)
def get_subscription(caller: Caller, reference: str) -> SubscriptionOut:
    """One subscription, by id or key."""
    return _shown(caller, provided(Subscriptions).get(caller.organization, reference))


@routes.patch("/v1/subscriptions/<reference>", scope=Scope.WRITE, answer=SubscriptionOut)
def update_subscription(caller: Caller, reference: str, patch: object) -> SubscriptionOut:
    """Change the metadata by JSON merge patch."""
    return _shown(caller, provided(Subscriptions).update(caller, reference, patch, precondition()))


@routes.post("/v1/subscriptions/<reference>/change", scope=Scope.WRITE, body=ChangeIn, answer=SubscriptionOut)
def change_subscription(caller: Caller, reference: str, body: ChangeIn) -> SubscriptionOut:
    """Another plan, other quantities or overrides: from now on, from a time on, or from the end of the period on."""
    return _shown(caller, provided(Changes).change(caller, reference, body))


@routes.post("/v1/subscriptions/<reference>/pause", scope=Scope.WRITE, body=PauseIn, answer=SubscriptionOut)
def pause_subscription(caller: Caller, reference: str, body: PauseIn) -> SubscriptionOut:
    """Charge nothing after the end of a local day."""
    return _shown(caller, provided(Changes).pause(caller, reference, body))


@routes.post("/v1/subscriptions/<reference>/resume", scope=Scope.WRITE, body=PauseIn, answer=SubscriptionOut)
def resume_subscription(caller: Caller, reference: str, body: PauseIn) -> SubscriptionOut:
    """Charge again, from the beginning of a local day on."""
    return _shown(caller, provided(Changes).resume(caller, reference, body))


@routes.post("/v1/subscriptions/<reference>/cancel", scope=Scope.WRITE, body=CancelIn, answer=SubscriptionOut)
def cancel_subscription(caller: Caller, reference: str, body: CancelIn) -> SubscriptionOut:
    """End the subscription: now, at a time, or with its current period."""
    return _shown(caller, provided(Changes).cancel(caller, reference, body))


@routes.post("/v1/subscriptions/<reference>/uncancel", scope=Scope.WRITE, answer=SubscriptionOut)
def uncancel_subscription(caller: Caller, reference: str) -> SubscriptionOut:
    """Withdraw a cancellation whose end is not billed yet."""
    return _shown(caller, provided(Changes).uncancel(caller, reference))


@routes.post(
    "/v1/subscriptions/<reference>/coupons", scope=Scope.WRITE, body=SubscriptionCouponIn, answer=SubscriptionOut
)
def give_subscription_coupon(caller: Caller, reference: str, body: SubscriptionCouponIn) -> SubscriptionOut:
    """Give the subscription a coupon; its next invoices take it."""
    return _shown(caller, provided(Subscriptions).give_coupon(caller, reference, body.coupon))


def _shown(caller: Caller, subscription: Subscription) -> SubscriptionOut:
    service = provided(Subscriptions)
    keys, coupons = service.customer_keys(caller, [subscription]), service.coupons(caller, [subscription])
    now = service.now(caller.organization)
    return SubscriptionOut.of(subscription, keys.get(subscription.customer), coupons.get(subscription.id, ()), now)
