"""Invoices over HTTP: drafts, numbers, and what happens afterwards (rules 2, 20, 21, 25 and 26)."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.service.books import BASE, BY_REGION, CALLS, SUPPORT, Books, in_short, lines

pytestmark = pytest.mark.books

ONE_OFF: dict[str, Any] = {
    "customer": "acme", "currency": "USD",
    "lines": [{"description": "Setup", "quantity": "1.5", "unit_amount": "0.33333"},
              {"description": "Training", "quantity": 2, "unit_amount": "100"}],
}


@pytest.fixture
def one_off(books: Books) -> dict[str, Any]:
    """A draft of lines that somebody wrote."""
    books.customer()
    return books.api.made("/v1/invoices", dict(ONE_OFF))


def test_a_one_off_invoice_waits_for_finalize(books: Books, one_off: dict[str, Any]) -> None:
    """Each line is rounded once, and no run touches it (rules 2 and 26)."""
    assert (one_off["status"], one_off["number"], one_off["issued_at"]) == ("draft", None, None)
    assert [line["amount"] for line in one_off["lines"]] == ["0.50", "200.00"]
    assert {line["reason"] for line in one_off["lines"]} == {"one_off"}
    assert one_off["subtotal"] == one_off["total"] == one_off["amount_due"] == "200.50"
    assert books.billed("2026-11-20T00:00:00Z") == []
    final = books.post(one_off, "finalize")
    assert (final["status"], final["number"], final["issued_at"]) == ("open", "INV-2026-000001", "2026-11-20T12:00:00Z")
    assert final["due_at"] == "2026-12-20T12:00:00Z"
    assert final["lines"] == one_off["lines"]


def test_an_invoice_is_found_by_id_and_by_number(books: Books, one_off: dict[str, Any]) -> None:
    assert books.api.get(f"/v1/invoices/{one_off['id']}").json == one_off
    final = books.post(one_off, "finalize")
    assert books.api.get(f"/v1/invoices/{one_off['id']}").json == final
    assert books.api.get("/v1/invoices/INV-2026-000001").json == final
    assert books.api.get("/v1/invoices/INV-2026-000002").status_code == 404


def test_an_invoice_says_all_that_the_interface_promises(books: Books) -> None:
    books.customer_on(CALLS | {"group_by": ["region"]}, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z", "3.5", region="eu")
    books.use("2", "2026-10-07T12:00:00Z")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert set(invoice) == {
        *("id", "number", "status", "customer", "seller", "subscription", "currency", "boundary", "period"),
        *("issued_at", "due_at", "lines", "taxes", "subtotal", "discount_total", "tax_total", "credit_applied"),
        *("total", "amount_paid", "amount_due", "payments", "credit_notes", "bill_run", "version", "created_at"),
        "updated_at",
    }
    first, second = invoice["lines"]
    assert first == {
        "id": first["id"], "description": "Calls (region eu)", "price": "calls", "group": {"region": "eu"},
        "period": {"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "quantity": "3.5",
        "unit_amount": "0.1", "amount": "0.35", "tax": "0.00", "tax_rates": [], "discount": "0.00", "reason": "usage",
    }
    assert second["group"] == {"region": None}
    assert invoice["customer"]["name"] == "Acme"
    assert invoice["seller"]["name"] == "Testers"


@pytest.mark.parametrize(("change", "field"), [
    ({"currency": "EUR"}, "currency"), ({"currency": "usd"}, "currency"), ({"currency": "XXX"}, "currency"),
    ({"lines": []}, "lines"), ({"lines": None}, "lines"), ({"number": "INV-2026-000009"}, "number"),
    ({"status": "open"}, "status"), ({"due_at": "tomorrow"}, "due_at"), ({"customer": None}, "customer"),
    ({"lines": [{"description": "a", "quantity": "0", "unit_amount": "1"}]}, "lines[0].quantity"),
    ({"lines": [{"description": "a", "quantity": "-1", "unit_amount": "1"}]}, "lines[0].quantity"),
    ({"lines": [{"description": "a", "quantity": "1", "unit_amount": "-0.01"}]}, "lines[0].unit_amount"),
    ({"lines": [{"description": "", "quantity": "1", "unit_amount": "1"}]}, "lines[0].description"),
    ({"lines": [{"description": "a", "quantity": "1", "unit_amount": "1", "tax_code": ""}]}, "lines[0].tax_code"),
    ({"lines": [{"description": "a", "quantity": "1", "unit_amount": "1", "amount": "1"}]}, "lines[0].amount"),
    ({"lines": [{"description": "a", "quantity": "1e20", "unit_amount": "1e10"}]}, "lines"),
])
def test_an_unlawful_one_off_invoice_is_refused(books: Books, change: Mapping[str, Any], field: str) -> None:
    """T13, T14, T45: every field and rule by name, and nothing is stored."""
    books.customer()
    answer = books.api.post("/v1/invoices", {**ONE_OFF, **change})
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert field in [error["field"] for error in (answer.json or {})["errors"]]
    assert books.invoices() == []


def test_an_invoice_of_nobody_is_refused(books: Books) -> None:
    assert books.api.post("/v1/invoices", dict(ONE_OFF)).status_code == 404


def test_money_has_its_currencys_own_decimals(books: Books) -> None:
    """JPY none, KWD three; half away from zero, once (rule 2, T13)."""
    for code, total in (("JPY", "1"), ("KWD", "0.501")):
        books.customer(code.lower(), currency=code)
        line = {"description": "a", "quantity": "1", "unit_amount": "0.5005"}
        made = books.api.made("/v1/invoices", {"customer": code.lower(), "currency": code, "lines": [line]})
        assert (made["total"], made["lines"][0]["unit_amount"]) == (total, "0.5005")


def test_many_small_lines_sum_as_they_are_shown(books: Books) -> None:
    """T15, I5: what is rounded is the line, and the subtotal is the sum of lines."""
    books.customer()
    small = [{"description": "a", "quantity": "1", "unit_amount": "0.005"}] * 3
    smaller = [{"description": "b", "quantity": "1", "unit_amount": "0.0049"}] * 997
    made = books.api.made("/v1/invoices", {"customer": "acme", "currency": "USD", "lines": small + smaller})
    assert (made["subtotal"], made["total"]) == ("0.03", "0.03")


def test_a_draft_may_still_change(books: Books, one_off: dict[str, Any]) -> None:
    path = f"/v1/invoices/{one_off['id']}"
    line = {"description": "Other", "quantity": "1", "unit_amount": "7"}
    changed = books.api.patch(path, {"due_at": "2027-01-01T00:00:00Z", "lines": [line]}).json or {}
    assert (changed["due_at"], changed["total"], changed["version"]) == ("2027-01-01T00:00:00Z", "7.00", 2)
    assert books.api.get(path).json == changed
    assert (books.api.patch(path, {"due_at": None}).json or {})["due_at"] is None
    assert books.post(one_off, "finalize")["due_at"] == "2026-12-20T12:00:00Z"


@pytest.mark.parametrize("patch", [
    {"lines": None}, {"lines": []}, {"number": "INV-1"}, {"status": "open"}, {"total": "1.00"}, {"customer": "acme"},
    {"version": 9}, {"nonsense": 1}, [],
])
def test_a_draft_changes_in_nothing_else(books: Books, one_off: dict[str, Any], patch: Any) -> None:
    """T45: unknown and read-only fields are refused by name."""
    assert books.api.patch(f"/v1/invoices/{one_off['id']}", patch).status_code == 422
    assert books.invoices() == [one_off]


def test_the_lines_of_a_subscription_are_not_written_by_hand(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    [draft] = books.billed("2026-11-01T00:10:00Z")
    path = f"/v1/invoices/{draft['id']}"
    assert books.api.patch(path, {"lines": list(ONE_OFF["lines"])}).status_code == 422
    assert books.api.patch(path, {"due_at": "2027-01-01T00:00:00Z"}).status_code == 200
    [final] = books.billed("2026-11-20T00:00:00Z")
    assert (final["due_at"], final["total"]) == ("2027-01-01T00:00:00Z", "10.00")  # a run keeps what was set


def test_what_is_finalized_never_changes(books: Books, one_off: dict[str, Any]) -> None:
    """But for its payments and status (rule 20)."""
    final = books.post(one_off, "finalize")
    path = f"/v1/invoices/{one_off['id']}"
    assert books.api.patch(path, {"due_at": None}).status_code == 409
    assert books.api.delete(path).status_code == 409
    assert books.api.post(f"{path}/finalize").status_code == 409
    assert books.api.get(path).json == final


def test_a_stale_writer_is_refused(books: Books, one_off: dict[str, Any]) -> None:
    """T37: of two changes of one version the second is told."""
    path = f"/v1/invoices/{one_off['id']}"
    etag = books.api.get(path).headers["ETag"]
    due = {"due_at": "2027-01-01T00:00:00Z"}
    assert books.api.patch(path, due, headers={"If-Match": etag}).status_code == 200
    assert books.api.patch(path, due, headers={"If-Match": etag}).status_code == 412
    assert books.api.delete(path, headers={"If-Match": etag}).status_code == 412
    etag = books.api.get(path).headers["ETag"]
    assert books.api.delete(path, headers={"If-Match": f"W/{etag}"}).status_code == 412
    assert books.api.delete(path, headers={"If-Match": f'"9", {etag}'}).status_code == 204


def test_a_deleted_draft_is_made_anew_by_the_next_run(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    [draft] = books.billed("2026-11-01T00:10:00Z")
    assert books.api.delete(f"/v1/invoices/{draft['id']}").status_code == 204
    assert books.api.get(f"/v1/invoices/{draft['id']}").status_code == 404
    [again] = books.billed("2026-11-01T00:20:00Z")
    assert again["id"] != draft["id"]
    assert (again["status"], again["total"]) == ("draft", "10.00")


def test_finalize_closes_the_boundary_before_the_grace_is_over(books: Books) -> None:
    """Rated once more, and what comes afterwards is late (rules 25 and 26)."""
    subscription = books.customer_on(CALLS, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z")
    [draft] = books.billed("2026-11-01T00:10:00Z")
    books.use("2", "2026-10-08T12:00:00Z")
    final = books.post(draft, "finalize")
    assert (final["number"], final["total"]) == ("INV-2026-000001", "0.20")
    books.use("3", "2026-10-09T12:00:00Z")
    assert books.billed("2026-11-20T00:00:00Z") == []
    assert books.invoices() == [final]
    period = (books.api.get(f"/v1/subscriptions/{subscription['id']}").json or {})["current_period"]
    assert period["from"] == "2026-11-01T00:00:00Z"


def test_a_later_draft_may_be_finalized_first(books: Books) -> None:
    """The earlier boundary stays open and is still billed (rule 25)."""
    assert books.api.patch("/v1/organization", {"grace_seconds": 90 * 86400}).status_code == 200
    subscription = books.customer_on(BASE, CALLS, starts_at="2026-09-01T00:00:00Z")
    books.use("1", "2026-09-07T12:00:00Z")
    drafts = books.billed("2026-11-10T00:00:00Z")
    assert [draft["status"] for draft in drafts] == ["draft"] * 3
    [latest] = [draft for draft in drafts if draft["boundary"] == "2026-11-01T00:00:00Z"]
    assert books.post(latest, "finalize")["number"] == "INV-2026-000001"
    [middle] = [draft for draft in drafts if draft["boundary"] == "2026-10-01T00:00:00Z"]
    assert books.api.delete(f"/v1/invoices/{middle['id']}").status_code == 204
    assert books.api.patch("/v1/organization", {"grace_seconds": 0}).status_code == 200
    assert in_short(books.billed("2026-11-20T00:00:00Z")) == [
        ("2026-09-01T00:00:00Z", "INV-2026-000002", "open", "10.00"),
        ("2026-10-01T00:00:00Z", "INV-2026-000003", "open", "10.10"),
    ]
    assert books.billed("2026-11-20T00:00:00Z") == []
    period = (books.api.get(f"/v1/subscriptions/{subscription['id']}").json or {})["current_period"]
    assert period["from"] == "2026-11-01T00:00:00Z"


def test_a_draft_with_nothing_left_is_not_finalized(books: Books) -> None:
    books.customer_on(CALLS, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z")
    [draft] = books.billed("2026-11-01T00:10:00Z")
    books.void_event("1")
    answer = books.api.post(f"/v1/invoices/{draft['id']}/finalize")
    assert (answer.status_code, "nothing to bill" in (answer.json or {})["detail"]) == (409, True)
    books.run("2026-11-01T00:20:00Z")
    assert books.invoices() == []


def test_a_draft_that_cannot_be_priced_any_more_is_not_finalized(books: Books) -> None:
    """The refusal says why; once that is mended, finalising it is the end of being parked (rule 10)."""
    subscription = books.customer_on(BY_REGION, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z", region="eu")
    [draft] = books.billed("2026-11-01T00:10:00Z")
    books.use("2", "2026-10-07T12:00:00Z", region="moon")
    assert len(books.run("2026-11-01T00:20:00Z")["parked"]) == 1
    answer = books.api.post(f"/v1/invoices/{draft['id']}/finalize")
    assert (answer.status_code, "'moon'" in (answer.json or {})["detail"]) == (409, True)
    books.void_event("2")
    assert books.post(draft, "finalize")["number"] == "INV-2026-000001"
    assert (books.api.get(f"/v1/subscriptions/{subscription['id']}").json or {})["parked"] is None


def test_a_voided_invoice_is_billed_anew(books: Books) -> None:
    """The freed period gets a new number, and those after it stay (rule 20)."""
    books.customer_on(BASE, CALLS, starts_at="2026-09-01T00:00:00Z")
    books.use("1", "2026-09-07T12:00:00Z")
    first, second, third = books.billed("2026-11-20T00:00:00Z")
    voided = books.post(second, "void")
    assert (voided["status"], voided["number"], voided["lines"]) == ("void", second["number"], second["lines"])
    books.use("2", "2026-09-08T12:00:00Z")
    [anew] = books.billed("2026-11-20T00:00:00Z")
    assert (anew["number"], anew["boundary"], anew["total"]) == ("INV-2026-000004", second["boundary"], "10.20")
    assert books.billed("2026-11-20T00:00:00Z") == []
    assert [books.api.get(f"/v1/invoices/{one['id']}").json for one in (first, third)] == [first, third]


def test_a_voided_invoice_stays_void_when_told_so(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-10-01T00:00:00Z")
    first, _ = books.billed("2026-11-20T00:00:00Z")
    assert books.post(first, "void", {"rebill": False})["status"] == "void"
    assert books.billed("2026-11-20T00:00:00Z") == []


def test_voiding_everything_bills_everything_anew(books: Books) -> None:
    """In whatever order they were taken back."""
    books.customer_on(BASE, SUPPORT, starts_at="2026-08-01T00:00:00Z")
    before = books.billed("2026-11-20T00:00:00Z")
    for place in (3, 1, 2, 0):
        books.post(before[place], "void")
    anew = books.billed("2026-11-20T00:00:00Z")
    assert [(one["boundary"], one["total"]) for one in anew] == [(one["boundary"], one["total"]) for one in before]
    assert [one["number"][-1] for one in anew] == ["5", "6", "7", "8"]


@pytest.mark.parametrize("state", ["draft", "void", "settled", "part settled"])
def test_what_cannot_be_voided_is_not(books: Books, one_off: dict[str, Any], state: str) -> None:
    """Only with nothing paid in money (rule 20)."""
    if state != "draft":
        books.post(one_off, "finalize")
    if state == "void":
        books.post(one_off, "void")
    if "settled" in state:
        amount = "200.50" if state == "settled" else "0.01"
        payment = {"invoice": one_off["id"], "amount": amount, "currency": "USD", "method": "wire"}
        books.api.made("/v1/payments", payment)
    before = books.invoices()
    assert books.api.post(f"/v1/invoices/{one_off['id']}/void").status_code == 409
    assert books.invoices() == before


def test_drafts_take_their_parties_as_they_are(books: Books, one_off: dict[str, Any]) -> None:
    """Until they are finalised; then they keep them."""
    books.plan(BASE)
    books.subscribe(starts_at="2026-11-01T00:00:00Z")
    [draft] = books.billed("2026-11-01T00:10:00Z")
    books.api.patch("/v1/customers/acme", {"name": "Acme Ltd", "payment_terms_days": 14})
    books.api.patch("/v1/organization", {"name": "Sellers"})
    for final in (books.post(one_off, "finalize"), books.post(draft, "finalize")):
        assert (final["customer"]["name"], final["seller"]["name"]) == ("Acme Ltd", "Sellers")
        assert final["due_at"] == "2026-12-04T12:00:00Z"
    books.api.patch("/v1/customers/acme", {"name": "Other"})
    assert {invoice["customer"]["name"] for invoice in books.invoices()} == {"Acme Ltd"}


def test_invoices_are_found_by_what_they_are(books: Books) -> None:
    """`from` and `to` look at the time of issue, of drafts at the boundary; references are ids or keys."""
    books.plan(BASE)
    for key in ("a", "b"):
        books.customer(key)
        books.subscribe(customer=key, key=f"sub-{key}", starts_at="2026-10-01T00:00:00Z")
    run = books.run("2026-10-15T00:00:00Z")
    books.api.clock.to("2026-11-20T13:00:00Z")
    books.run("2026-11-01T00:10:00Z")
    a, b = (books.api.get(f"/v1/customers/{key}").json or {} for key in ("a", "b"))

    def found(**query: str) -> list[tuple[str, str]]:
        return [(one["customer"]["key"], one["boundary"][5:7]) for one in books.invoices(**query)]

    assert found(customer="a") == found(customer=a["id"]) == found(subscription="sub-a") == [("a", "10"), ("a", "11")]
    assert found(status="draft") == [("a", "11"), ("b", "11")]
    assert found(status="paid") == []
    assert found(bill_run=run["id"]) == [("a", "10"), ("b", "10")]
    assert found(**{"from": "2026-11-20T12:00:00Z"}) == [("a", "10"), ("b", "10")]
    assert found(to="2026-11-20T12:00:00Z") == [("a", "11"), ("b", "11")]  # drafts, by their boundary
    assert found(**{"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T00:00:00.000001Z", "customer": b["id"]}) == [
        ("b", "11")
    ]
    for query in ("customer=x", "subscription=x"):
        assert books.api.get(f"/v1/invoices?{query}").status_code == 404
    for query in ("status=lost", "from=yesterday", "nonsense=1", "limit=0", "after=x"):
        assert books.api.get(f"/v1/invoices?{query}").status_code == 422


def test_the_list_pages_by_key(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-07-01T00:00:00Z")
    books.run("2026-11-20T00:00:00Z")
    first = books.api.get("/v1/invoices?limit=2").json or {}
    second = books.api.get(f"/v1/invoices?limit=2&after={first['next']}").json or {}
    third = books.api.get(f"/v1/invoices?limit=2&after={second['next']}").json or {}
    assert first["data"] + second["data"] + third["data"] == books.invoices()
    assert third["next"] is None
    assert books.api.stranger().get(f"/v1/invoices?after={first['next']}").status_code == 422


def test_an_invoice_is_its_organizations_alone(books: Books, one_off: dict[str, Any]) -> None:
    """T44: for everybody else it is not there."""
    stranger = books.api.stranger()
    line = one_off["lines"][0]["id"]
    final = books.post(one_off, "finalize")
    for path in (f"/v1/invoices/{one_off['id']}", f"/v1/invoices/{final['number']}"):
        assert stranger.get(path).status_code == 404
        assert stranger.get(f"{path}/lines/{line}/explain").status_code == 404
        assert stranger.patch(path, {"due_at": None}).status_code == 404
        assert stranger.delete(path).status_code == 404
        assert stranger.post(f"{path}/finalize").status_code == 404
        assert stranger.post(f"{path}/void").status_code == 404
    assert stranger.every("/v1/invoices") == []
    assert stranger.every(f"/v1/invoices?bill_run={one_off['id']}") == []
    assert stranger.get("/v1/invoices?customer=acme").status_code == 404


@pytest.mark.parametrize("name", ["%00", "inv_%00", "%ff", "x" * 3000, "%F0%9F%8E%88"])
def test_a_name_that_nothing_has_is_not_found(books: Books, one_off: dict[str, Any], name: str) -> None:
    """Also one that no store can hold (T08)."""
    books.post(one_off, "finalize")
    for path in (f"/v1/invoices/{name}", f"/v1/invoices/{one_off['id']}/lines/{name}/explain"):
        assert books.api.get(path).status_code == 404
    for path in (f"/v1/subscriptions/{name}", f"/v1/payments/{name}", f"/v1/bill-runs/{name}"):
        assert books.api.get(path).status_code == 404


def test_an_invoice_of_nothing_can_be_voided_and_billed_anew(books: Books) -> None:
    """It is paid, but not in money (rule 20)."""
    books.customer_on(CALLS | {"free_units": "9"}, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert (invoice["status"], books.post(invoice, "void")["status"]) == ("paid", "void")
    [anew] = books.billed("2026-11-20T00:00:00Z")
    assert (anew["number"], anew["status"]) == ("INV-2026-000002", "paid")


def test_reading_and_writing_are_different_scopes(books: Books, one_off: dict[str, Any]) -> None:
    reader, writer = books.api.with_scopes("read"), books.api.with_scopes("write")
    path = f"/v1/invoices/{one_off['id']}"
    assert reader.get(path).status_code == 200
    assert writer.get(path).status_code == 403
    for refused in (reader.post(f"{path}/finalize"), reader.delete(path), reader.post("/v1/invoices", dict(ONE_OFF))):
        assert refused.status_code == 403
    assert writer.post(f"{path}/finalize").status_code == 200


def test_a_retried_finalize_has_one_answer(books: Books, one_off: dict[str, Any]) -> None:
    """I9: the same key gives the same number again."""
    path, key = f"/v1/invoices/{one_off['id']}/finalize", {"Idempotency-Key": "once"}
    first = books.api.post(path, headers=key)
    again = books.api.post(path, headers=key)
    assert first.status_code == again.status_code == 200
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"


def test_lines_keep_the_order_of_groups(books: Books) -> None:
    """Values as text, null last (rule 19)."""
    books.customer_on(CALLS | {"group_by": ["region"]}, BASE, starts_at="2026-10-01T00:00:00Z")
    given: list[dict[str, Any]] = [{"region": "us"}, {}, {"region": "10"}, {"region": 9}, {"region": "EU"}]
    for id, data in enumerate(given):
        books.use(str(id), "2026-10-07T12:00:00Z", **data)
    [_, second] = books.billed("2026-11-20T00:00:00Z")
    assert [line.get("group", {}).get("region", "-") for line in second["lines"]] == ["10", "9", "EU", "us", None, "-"]
    assert lines(second)[-1][:2] == ("fee", "base")
