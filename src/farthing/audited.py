"""Whose changes the audit log leaves out, and why; every other table's are logged, also one made tomorrow."""

from typing import Final

_FOLLOWS: Final = "worked out from events, and checked against them"
_APPENDED: Final = "only ever grows and says itself when and by what"
_KEPT: Final = "no data of anybody's: keeps the program going"

UNAUDITED: Final = {
    "audit_log": _APPENDED, "balance_entries": _APPENDED, "credit_note_lines": "as its credit note",
    "customer_balances": "the sum of its entries",
    "journal_entries": _APPENDED, "journal_postings": _APPENDED, "seals": _APPENDED,
    "events": _APPENDED, "event_voids": _APPENDED, "event_hashes": _FOLLOWS, "event_key_positions": _KEPT,
    "rejected_events": _APPENDED, "invoice_payments": "as its payment",
    "meter_positions": _FOLLOWS, "usage_points": _FOLLOWS, "usage_quarter_hours": _FOLLOWS, "usage_days": _FOLLOWS,
    "unusable_events": _FOLLOWS,
    "late_arrivals": _FOLLOWS, "usage_credits": "as the invoice or credit note that gives it back",
    "event_subjects": "as the customer or subscription that is named so", "event_streams": _KEPT,
    "invoice_lines": "as its invoice, by whose version they are fixed", "plan_meters": "as its plan",
    "subscription_plans": "as its subscription", "closed_without_invoice": "as its subscription",
    "credited_days": "as its credit note",
    "invoice_tax_rates": "as its invoice", "coupon_uses": "as its invoice",
    "reconciliation_proposals": "as its reconciliation", "credit_uses": "as its invoice",
    "journal_releases": "worked out from its invoice, and checked against the journal",
    "unsealed": _KEPT, "chains": _KEPT, "number_series": _KEPT, "billing_accounts": _KEPT, "owed_names": _KEPT,
    "cache_beliefs": _KEPT, "idempotent_answers": _KEPT, "bill_runs": "its progress; its invoices are logged",
    "plan_migrations": "its progress; the changes that it makes are logged",
    "clock_advances": "its progress; what it brings about is logged", "test_clocks": "where advances have brought it",
    "imports": "its progress; the events that it stored say themselves when they came", "import_errors": _APPENDED,
    "sessions": "a login changes no data", "refresh_tokens": "a login changes no data",
    "login_failures": "a login changes no data",
}
