"""Customers over HTTP."""

from farthing.customers.schemas import (
    BalancesOut,
    CustomerCouponIn,
    CustomerCouponOut,
    CustomerIn,
    CustomerOut,
    CustomerQuery,
)
from farthing.customers.service import Customers
from farthing.customers.values import Search
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.web import Answer, ListShown, Routes, created, precondition, provided, shown

routes = Routes("customers")


@routes.post("/v1/customers", scope=Scope.WRITE, body=CustomerIn, answer=CustomerOut, status=201)
def create_customer(caller: Caller, body: CustomerIn) -> Answer:
    """Add a customer; usage that arrived before under its key counts from now on."""
    customer = provided(Customers).create(caller, body)
    return created(CustomerOut.of(customer), f"/v1/customers/{customer.id}")


@routes.get("/v1/customers", scope=Scope.READ, query=CustomerQuery, answer=CustomerOut, paged=True)
def list_customers(caller: Caller, query: CustomerQuery) -> ListShown:
    """The customers, oldest first."""
    place = listing("customers", caller.organization, query.limit, query.after)
    search = Search(query.q, query.email, query.created_after)
    return shown(provided(Customers).page(caller, search, place), CustomerOut.of)


@routes.get("/v1/customers/<reference>", scope=Scope.READ, answer=CustomerOut)
def get_customer(caller: Caller, reference: str) -> CustomerOut:
    """One customer, by id or key."""
    return CustomerOut.of(provided(Customers).get(caller.organization, reference))


@routes.patch("/v1/customers/<reference>", scope=Scope.WRITE, answer=CustomerOut)
def update_customer(caller: Caller, reference: str, patch: object) -> CustomerOut:
    """Change a customer by JSON merge patch."""
    return CustomerOut.of(provided(Customers).update(caller, reference, patch, precondition()))


@routes.delete("/v1/customers/<reference>", scope=Scope.WRITE)
def delete_customer(caller: Caller, reference: str) -> None:
    """Remove a customer that has neither invoices nor live subscriptions."""
    provided(Customers).delete(caller, reference, precondition())


@routes.post(
    "/v1/customers/<reference>/coupons", scope=Scope.WRITE, body=CustomerCouponIn, answer=CustomerCouponOut
)
def give_coupon(caller: Caller, reference: str, body: CustomerCouponIn) -> CustomerCouponOut:
    """Give a customer a coupon; its next invoices take it, one-off ones too."""
    return CustomerCouponOut.of(*provided(Customers).give_coupon(caller, reference, body.coupon))


@routes.get("/v1/customers/<reference>/balance", scope=Scope.READ, answer=BalancesOut)
def get_balance(caller: Caller, reference: str) -> BalancesOut:
    """What a customer has: money and credit that its next invoices take, by currency."""
    return BalancesOut.of(*provided(Customers).balance(caller, reference))
