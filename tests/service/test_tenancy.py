"""T44: what belongs to another organisation is not there, whatever the call (I12)."""

import pytest

from tests.service.conftest import Api
from tests.service.test_queries import PLAN

pytestmark = pytest.mark.customers


@pytest.fixture
def theirs(api: Api) -> dict[str, str]:
    """One of everything, of an organisation that is not the caller's."""
    api.made("/v1/meters", {"key": "calls", "name": "Calls", "event_type": "call", "aggregation": "count"})
    customer = api.made("/v1/customers", {"key": "acme", "name": "Acme"})["id"]
    plan = api.made("/v1/plans", PLAN | {"key": "pro"})["id"]
    subscription = api.made("/v1/subscriptions", {
        "customer": customer, "plan": plan, "starts_at": "2026-10-01T00:00:00Z", "anchor": "calendar", "key": "s",
    })["id"]
    run = api.made("/v1/bill-runs", {"as_of": "2026-11-02T00:00:00Z"})["id"]
    invoice = api.every("/v1/invoices")[0]
    coupon = api.made("/v1/coupons", {"key": "c", "name": "C", "percent": "1", "duration": "once"})["id"]
    rate = api.made("/v1/tax-rates", {"key": "t", "name": "T", "percent": "1"})["id"]
    payment = api.made("/v1/payments", {
        "invoice": invoice["id"], "amount": invoice["amount_due"], "currency": "USD", "method": "wire",
    })["id"]
    return {
        "customer": customer, "meter": api.get("/v1/meters/calls").json["id"], "plan": plan,  # type: ignore[index]
        "coupon": coupon, "rate": rate,
        "subscription": subscription, "run": run, "invoice": invoice["id"], "line": invoice["lines"][0]["id"],
        "payment": payment, "key": api.every("/v1/api-keys")[0]["id"], "number": invoice["number"],
    }


@pytest.mark.parametrize(("method", "path", "body"), [
    ("GET", "/v1/customers/{customer}", None), ("PATCH", "/v1/customers/{customer}", {"name": "B"}),
    ("DELETE", "/v1/customers/{customer}", None), ("GET", "/v1/customers/acme", None),
    ("GET", "/v1/meters/{meter}", None), ("PATCH", "/v1/meters/{meter}", {"name": "B"}),
    ("DELETE", "/v1/meters/{meter}", None), ("GET", "/v1/plans/{plan}", None),
    ("PATCH", "/v1/plans/{plan}", {"name": "B"}), ("DELETE", "/v1/plans/{plan}", None),
    ("GET", "/v1/plans/{plan}/versions", None), ("GET", "/v1/subscriptions/{subscription}", None),
    ("PATCH", "/v1/subscriptions/{subscription}", {"metadata": {}}),
    ("POST", "/v1/subscriptions/{subscription}/cancel", {"at": "period_end"}), ("GET", "/v1/subscriptions/s", None),
    ("GET", "/v1/coupons/{coupon}", None), ("PATCH", "/v1/coupons/{coupon}", {"name": "B"}),
    ("DELETE", "/v1/coupons/{coupon}", None), ("GET", "/v1/coupons/c", None),
    ("GET", "/v1/tax-rates/{rate}", None), ("PATCH", "/v1/tax-rates/{rate}", {"name": "B"}),
    ("DELETE", "/v1/tax-rates/{rate}", None), ("GET", "/v1/tax-rates/t", None),
    ("POST", "/v1/customers/{customer}/coupons", {"coupon": "{coupon}"}),
    ("POST", "/v1/subscriptions/{subscription}/coupons", {"coupon": "{coupon}"}),
    ("GET", "/v1/invoices/{invoice}", None), ("GET", "/v1/invoices/{number}", None),
    ("PATCH", "/v1/invoices/{invoice}", {}), ("DELETE", "/v1/invoices/{invoice}", None),
    ("POST", "/v1/invoices/{invoice}/finalize", None), ("POST", "/v1/invoices/{invoice}/void", {}),
    ("GET", "/v1/invoices/{invoice}/lines/{line}/explain", None), ("GET", "/v1/bill-runs/{run}", None),
    ("GET", "/v1/payments/{payment}", None), ("DELETE", "/v1/api-keys/{key}", None),
    ("GET", "/v1/invoices?customer={customer}", None), ("GET", "/v1/subscriptions?customer={customer}", None),
    ("GET", "/v1/events?customer={customer}", None), ("GET", "/v1/payments?customer={customer}", None),
    ("POST", "/v1/bill-runs", {"as_of": "2026-11-02T00:00:00Z", "customers": ["{customer}"]}),
    ("POST", "/v1/invoices", {"customer": "{customer}", "currency": "USD",
                              "lines": [{"description": "A", "quantity": "1", "unit_amount": "1"}]}),
    ("POST", "/v1/payments", {"invoice": "{invoice}", "amount": "1.00", "currency": "USD", "method": "wire"}),
    ("POST", "/v1/events/void", {"id": "e"}),
])
def test_another_organisations_things_are_not_there(
    api: Api, theirs: dict[str, str], method: str, path: str, body: object
) -> None:
    stranger = api.stranger()
    answer = stranger.call(method, path.format(**theirs), filled(body, theirs))
    assert answer.status_code == 404, answer.get_data(as_text=True)
    told = answer.get_data(as_text=True)
    given = path.format(**theirs) + str(filled(body, theirs))
    assert not [name for name, id in theirs.items() if id in told and id not in given]


def filled(body: object, theirs: dict[str, str]) -> object:
    if isinstance(body, dict):
        return {name: filled(value, theirs) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, theirs) for value in body]
    return body.format(**theirs) if isinstance(body, str) else body


def test_lists_show_ones_own_only(api: Api, theirs: dict[str, str]) -> None:
    stranger = api.stranger()
    catalogue = ("meters", "plans", "coupons", "tax-rates")
    for path in (*catalogue, "customers", "subscriptions", "invoices", "payments", "bill-runs", "events"):
        assert stranger.every(f"/v1/{path}") == []


def test_their_subscription_takes_no_customer_of_ours(api: Api, theirs: dict[str, str]) -> None:
    """A plan or customer of another organisation cannot be put together with one's own."""
    stranger = api.stranger()
    stranger.made("/v1/customers", {"key": "mine", "name": "Mine"})
    begin = {"starts_at": "2026-10-01T00:00:00Z", "anchor": "calendar"}
    assert stranger.post("/v1/subscriptions", begin | {"customer": "mine", "plan": theirs["plan"]}).status_code == 404
    assert stranger.post("/v1/subscriptions", begin | {"customer": theirs["customer"], "plan": "x"}).status_code == 404
    assert stranger.get(f"/v1/usage?customer={theirs['customer']}&meter={theirs['meter']}"
                        "&from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z").status_code == 404
