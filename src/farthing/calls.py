"""All calls of the interface, and which room serves each."""

from typing import Final

from farthing.billing.bill_runs import routes as bill_runs
from farthing.billing.charges import routes as charges
from farthing.billing.credit_notes import routes as credit_notes
from farthing.billing.invoices import routes as invoices
from farthing.billing.journal import routes as journal
from farthing.billing.line_exports import routes as line_exports
from farthing.billing.previews import routes as previews
from farthing.billing.subscriptions import routes as subscriptions
from farthing.billing.test_clock import routes as test_clock
from farthing.billing.wallets import routes as wallets
from farthing.catalog.coupons import routes as coupons
from farthing.catalog.meters import routes as meters
from farthing.catalog.plans import routes as plans
from farthing.catalog.rates import routes as rates
from farthing.catalog.tax_rates import routes as tax_rates
from farthing.customers import routes as customers
from farthing.documents import routes as documents
from farthing.identity.api_keys import routes as api_keys
from farthing.identity.organizations import routes as organizations
from farthing.identity.tokens import routes as tokens
from farthing.kernel.web import Endpoint
from farthing.payments import routes as payments
from farthing.payments.bank_transactions import routes as bank_transactions
from farthing.payments.reconciliations import routes as reconciliations
from farthing.usage.events import routes as events
from farthing.usage.imports import routes as imports
from farthing.usage.quantities import routes as quantities

ENDPOINTS: Final[tuple[Endpoint, ...]] = tuple(
    endpoint
    for noun in (
        *(tokens, organizations, api_keys, customers, meters, plans, coupons, tax_rates, rates, events,
          quantities, imports),
        *(subscriptions, previews, charges, invoices, credit_notes, documents, bill_runs, wallets, test_clock, journal,
          line_exports, payments, bank_transactions, reconciliations),
    )
    for endpoint in noun.routes.endpoints
)

# calls of the interface that are not built yet: each answers 422 and its name, never silently nothing
LATER: Final[tuple[tuple[str, str], ...]] = (
    ("POST", "/v1/customers/<one>/erase"),
    *((method, "/v1/webhook-endpoints") for method in ("POST", "GET")),
    *((method, "/v1/webhook-endpoints/<one>") for method in ("GET", "PATCH", "DELETE")),
    *(("GET", "/v1/stream"), ("POST", "/v1/portal-sessions")),
    ("GET", "/v1/exports/focus"),
)

# the first part of a path after /v1 tells the room, so that a gateway needs no more than a prefix
NOUNS: Final[dict[str, tuple[str, ...]]] = {
    "identity": ("login", "refresh", "logout", "me", "api-keys", "organization"),
    "customers": ("customers",),
    "catalog": ("meters", "plans", "coupons", "tax-rates", "rate"),
    "usage": ("events", "usage", "imports"),
    "billing": (
        *("subscriptions", "invoices", "bill-runs", "charges", "simulations", "credit-notes", "wallets", "exports"),
        *("webhook-endpoints", "stream", "test-clock", "portal-sessions"),
    ),
    "payments": ("payments", "bank-transactions", "reconciliations"),
}


def room_of(path: str) -> str:
    """The room that serves a path of the interface."""
    noun = path.removeprefix("/v1/").partition("/")[0]
    return next((room for room, nouns in NOUNS.items() if noun in nouns), "identity")  # whose is the key set
