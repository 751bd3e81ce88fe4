"""The customer book over HTTP, on each store."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from tests.service.conftest import Api

pytestmark = pytest.mark.customers

FULL: dict[str, Any] = {
    "key": "acme", "name": "Acme", "email": "billing@acme.example", "currency": "EUR", "timezone": "Europe/Berlin",
    "address": {"line1": "1 Main St", "city": "Berlin", "postal_code": "10115", "country": "DE"},
    "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}], "tax_treatment": "standard", "payment_terms_days": 14,
    "buyer_reference": "04011000-12345-34", "metadata": {"crm": "42", "vip": True, "seats": 7, "note": None},
}


def fields_refused(answer: Any) -> set[str]:
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return {error["field"] for error in answer.json["errors"]}


def names(api: Api, query: str) -> list[str]:
    return [customer["name"] for customer in api.every(f"/v1/customers?{query}")]


def made_at(api: Api, second: int, **fields: Any) -> dict[str, Any]:
    """A customer made at this second: those of one millisecond have no order."""
    api.clock.to(f"2026-11-20T12:00:{second:02d}Z")
    return api.made("/v1/customers", {"name": f"C{second:02d}"} | fields)


def test_a_customer_is_found_by_id_and_by_key(api: Api) -> None:
    made = api.made("/v1/customers", {"key": "acme", "name": "Acme"})
    assert api.get(f"/v1/customers/{made['id']}").json == api.get("/v1/customers/acme").json == made


def test_all_that_may_be_set_comes_back(api: Api) -> None:
    answer = api.post("/v1/customers", FULL)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made = dict(answer.json or {})
    assert made.items() >= (FULL | {"version": 1, "tax_reason": None}).items()
    assert made["created_at"] == made["updated_at"] == "2026-11-20T12:00:00Z"
    assert answer.headers["ETag"] == '"1"'
    assert api.get(answer.headers["Location"]).json == made


def test_a_key_and_an_email_are_not_needed(api: Api) -> None:
    for _ in range(2):
        made = api.made("/v1/customers", {"name": "Acme"})
        assert (made["key"], made["email"], made["currency"], made["timezone"]) == (None, None, "USD", "UTC")


def test_an_email_belongs_to_one_customer(api: Api) -> None:
    api.made("/v1/customers", {"name": "Acme", "email": "Billing@acme.example"})
    answer = api.post("/v1/customers", {"name": "Impostor", "email": "billing@ACME.example"})
    assert answer.status_code == 409
    assert len(api.every("/v1/customers")) == 1
    assert api.stranger().post("/v1/customers", {"name": "Other", "email": "billing@acme.example"}).status_code == 201


def test_an_email_may_be_shared_where_the_organisation_says_so(api: Api) -> None:
    api.patch("/v1/organization", {"unique_emails": False})
    for _ in range(2):
        api.made("/v1/customers", {"name": "Acme", "email": "billing@acme.example"})


def test_an_email_is_free_again_once_it_is_given_up(api: Api) -> None:
    first = api.made("/v1/customers", {"name": "A", "email": "x@acme.example"})
    assert api.patch(f"/v1/customers/{first['id']}", {"email": "y@acme.example"}).status_code == 200
    second = api.made("/v1/customers", {"name": "B", "email": "x@acme.example"})
    assert api.patch(f"/v1/customers/{second['id']}", {"email": "Y@acme.example"}).status_code == 409
    assert api.delete(f"/v1/customers/{first['id']}").status_code == 204
    assert api.patch(f"/v1/customers/{second['id']}", {"email": "Y@acme.example"}).status_code == 200


def test_a_key_names_one_customer(api: Api) -> None:
    api.made("/v1/customers", {"key": "acme", "name": "Acme"})
    assert api.post("/v1/customers", {"key": "acme", "name": "Impostor"}).status_code == 409
    other = api.made("/v1/customers", {"key": "ACME", "name": "Another one: keys are told apart by case"})
    assert api.patch("/v1/customers/ACME", {"key": "acme"}).status_code == 409
    assert (api.get("/v1/customers/ACME").json or {})["id"] == other["id"]


def test_keys_are_compared_after_normalisation(api: Api) -> None:
    """T08: one accent or a letter and an accent are the same key."""
    made = api.made("/v1/customers", {"key": "cafe\u0301", "name": "NFD"})
    assert made["key"] == "caf\u00e9"
    assert api.post("/v1/customers", {"key": "caf\u00e9", "name": "NFC"}).status_code == 409
    assert api.get("/v1/customers/caf%C3%A9").status_code == 200


@pytest.mark.parametrize("name", ["a\u202eb", "\U0001f600 Ltd", "Zoë", "O'Brien; DROP TABLE", "100% _\\", "名前"])
def test_text_comes_back_as_it_was_sent(api: Api, name: str) -> None:
    """T08."""
    made = api.made("/v1/customers", {"name": name, "metadata": {"note": name}})
    assert (made["name"], made["metadata"]) == (name, {"note": name})
    assert api.get(f"/v1/customers/{made['id']}").json == made


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\u0000"])
@pytest.mark.parametrize("field", ["name", "key", "email", "buyer_reference"])
def test_text_that_no_store_holds_is_refused(api: Api, field: str, escape: str) -> None:
    """T08: a lone surrogate and NUL, by field."""
    raw = json.dumps({"name": "Acme", field: "REPLACED"}).replace("REPLACED", f"a{escape}b")
    answer = api.post("/v1/customers", data=raw, content_type="application/json")
    assert fields_refused(answer) == {field}
    assert api.every("/v1/customers") == []


@pytest.mark.parametrize(("change", "field"), [
    ({"id": "cus_1"}, "id"), ({"version": 3}, "version"), ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
    ({"updated_at": "2026-01-01T00:00:00Z"}, "updated_at"), ({"organization": "org_1"}, "organization"),
    ({"organisation": "org_1"}, "organisation"), ({"status": "paid"}, "status"), ({"scopes": ["admin"]}, "scopes"),
    ({"amount_due": "0"}, "amount_due"), ({"folded_key": "x"}, "folded_key"), ({"balance": "5"}, "balance"),
    ({"key": "cus_mine"}, "key"), ({"key": "inv_mine"}, "key"), ({"key": " x"}, "key"), ({"key": "a/b"}, "key"),
    ({"key": ""}, "key"), ({"key": "x" * 121}, "key"), ({"key": 5}, "key"),
    ({"name": None}, "name"), ({"name": ""}, "name"), ({"name": "x" * 256}, "name"), ({"name": ["x"]}, "name"),
    ({"email": "nobody"}, "email"), ({"email": "a@b@c"}, "email"), ({"email": "a" * 100_000 + "!"}, "email"),
    ({"currency": "eur"}, "currency"), ({"currency": "XXX"}, "currency"), ({"currency": ""}, "currency"),
    ({"timezone": "Berlin"}, "timezone"), ({"timezone": "+01:00"}, "timezone"),
    ({"address": {"country": "DEU"}}, "address.country"), ({"address": {"street": "x"}}, "address.street"),
    ({"address": "1 Main St"}, "address"), ({"tax_ids": [{"type": "x"}]}, "tax_ids[0].value"),
    ({"tax_ids": [{"type": "x", "value": "y"}] * 11}, "tax_ids"),
    ({"tax_ids": [{"type": "eu_vat", "value": "DE123456789"}]}, "tax_ids[0].value"),
    ({"tax_ids": [{"type": "x", "value": "y"}, {"type": "fr_vat", "value": "1"}]}, "tax_ids[1].value"),
    ({"tax_treatment": "none"}, "tax_treatment"), ({"payment_terms_days": -1}, "payment_terms_days"),
    ({"payment_terms_days": 1.0}, "payment_terms_days"), ({"payment_terms_days": "30"}, "payment_terms_days"),
    ({"metadata": {"a": {"b": 1}}}, "metadata.a"), ({"metadata": {"a": 1.5}}, "metadata.a"),
    ({"metadata": {"a": "x" * 1001}}, "metadata.a"), ({"metadata": []}, "metadata"),
    ({"metadata": {f"k{number}": "" for number in range(51)}}, "metadata"),
])
def test_what_cannot_be_is_refused_by_name(api: Api, change: dict[str, Any], field: str) -> None:
    """T45, T58: for POST and PATCH alike, and nothing changes."""
    assert fields_refused(api.post("/v1/customers", {"name": "Acme"} | change)) == {field}
    assert api.every("/v1/customers") == []
    made = api.made("/v1/customers", FULL)
    assert fields_refused(api.patch("/v1/customers/acme", change)) == {field}
    assert api.get("/v1/customers/acme").json == made


def test_a_customer_says_how_it_is_taxed(api: Api) -> None:
    made = api.made("/v1/customers", {"name": "Acme", "tax_treatment": "exempt", "tax_reason": "A museum"})
    assert (made["tax_treatment"], made["tax_reason"]) == ("exempt", "A museum")
    patched = api.patch(f"/v1/customers/{made['id']}", {"tax_treatment": "reverse_charge", "tax_reason": None}).json
    assert patched == api.get(f"/v1/customers/{made['id']}").json
    assert ((patched or {})["tax_treatment"], (patched or {})["tax_reason"]) == ("reverse_charge", None)


@pytest.mark.parametrize(("kind", "value"), [
    ("eu_vat", "DE 136 695 976"), ("gb_vat", "GB 980 7806 84"), ("ch_vat", "CHE-107.787.577 IVA"),
    ("in_gst", "27AAPFU0939F1ZV"), ("fr_vat", "Fr 40 303 265 045"), ("zz_vat", "whatever"), ("loyalty", "7"),
])
def test_a_tax_number_is_kept_as_it_was_sent(api: Api, kind: str, value: str) -> None:
    """Its digits are checked where its type is known, and nothing else is."""
    made = api.made("/v1/customers", {"name": "Acme", "tax_ids": [{"type": kind, "value": value}]})
    assert made["tax_ids"] == [{"type": kind, "value": value}]


def test_a_patch_merges(api: Api) -> None:
    """RFC 7396: what is not named stays, also inside; null takes away."""
    made = api.made("/v1/customers", FULL)
    api.clock.at += timedelta(seconds=5)
    patch: dict[str, Any] = {
        "name": "Acme AG", "address": {"city": "Hamburg", "line1": None}, "metadata": {"vip": None, "new": "x"},
        "tax_ids": [], "buyer_reference": None,
    }
    answer = api.patch("/v1/customers/acme", patch)
    changed = dict(answer.json or {})
    assert changed == made | {
        "name": "Acme AG", "address": {"city": "Hamburg", "postal_code": "10115", "country": "DE"},
        "metadata": {"crm": "42", "seats": 7, "note": None, "new": "x"}, "tax_ids": [], "buyer_reference": None,
        "version": 2, "updated_at": "2026-11-20T12:00:05Z",
    }
    assert (api.get("/v1/customers/acme").json, answer.headers["ETag"]) == (changed, '"2"')


def test_null_gives_the_organisations_default_again(api: Api) -> None:
    api.made("/v1/customers", FULL)
    unset = {"currency": None, "timezone": None, "payment_terms_days": None, "address": None}
    changed = dict(api.patch("/v1/customers/acme", unset).json or {})
    assert {name: changed[name] for name in unset} == {
        "currency": "USD", "timezone": "UTC", "payment_terms_days": 30, "address": None,
    }


def test_a_new_key_takes_the_place_of_the_old(api: Api) -> None:
    made = api.made("/v1/customers", FULL)
    assert api.patch("/v1/customers/acme", {"key": "acme-2"}).status_code == 200
    assert api.get("/v1/customers/acme").status_code == 404
    assert (api.get("/v1/customers/acme-2").json or {})["id"] == made["id"]
    assert api.patch("/v1/customers/acme-2", {"key": None}).status_code == 200
    assert (api.get(f"/v1/customers/{made['id']}").json or {})["key"] is None


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"5"])
def test_a_patch_is_an_object(api: Api, body: bytes) -> None:
    api.made("/v1/customers", FULL)
    for kind in ("application/json", "application/merge-patch+json"):
        assert api.patch("/v1/customers/acme", data=body, content_type=kind).status_code == 422


@pytest.mark.parametrize(("body", "kind", "status"), [
    (b"{", "application/json", 400), (b"", "application/json", 400), (b"\xff", "application/json", 400),
    (b'{"name": NaN}', "application/json", 400), (b'{"name": "a", "name": "b"}', "application/json", 400),
    (b'{"name": "a"}', "text/plain", 415), (b"name=a", "application/x-www-form-urlencoded", 415),
    (b"[" * 100_000, "application/json", 400), (b'{"name": "' + b"a" * 2_000_000 + b'"}', "application/json", 413),
])
def test_a_body_that_is_none(api: Api, body: bytes, kind: str, status: int) -> None:
    """T01, T07, T10, T12."""
    answer = api.post("/v1/customers", data=body, content_type=kind)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert api.every("/v1/customers") == []


def test_if_match_guards_a_change(api: Api) -> None:
    """T37, RFC 9110: one of two changes wins; `*`, a list, and a weak tag."""
    tag = api.post("/v1/customers", FULL).headers["ETag"]
    won = api.patch("/v1/customers/acme", {"name": "First"}, headers={"If-Match": tag})
    lost = api.patch("/v1/customers/acme", {"name": "Second"}, headers={"If-Match": tag})
    assert (won.status_code, lost.status_code) == (200, 412)
    assert (api.get("/v1/customers/acme").json or {})["name"] == "First"
    current = won.headers["ETag"]
    for value, status in ((f"W/{current}", 412), ('"nonsense"', 412), ("", 412), (f'"x", {current}', 200), ("*", 200)):
        answer = api.patch("/v1/customers/acme", {"name": "Again"}, headers={"If-Match": value})
        assert answer.status_code == status, value
    assert api.delete("/v1/customers/acme", headers={"If-Match": tag}).status_code == 412
    assert api.delete("/v1/customers/acme", headers={"If-Match": '"4"'}).status_code == 204


def test_if_none_match_saves_the_answer(api: Api) -> None:
    tag = api.post("/v1/customers", FULL).headers["ETag"]
    again = api.get("/v1/customers/acme", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    api.patch("/v1/customers/acme", {"name": "New"})
    assert api.get("/v1/customers/acme", headers={"If-None-Match": tag}).status_code == 200


def test_q_finds_the_beginning_of_name_email_or_key(api: Api) -> None:
    api.made("/v1/customers", {"name": "Zebra Ltd", "email": "info@stripes.example", "key": "animal-1"})
    api.made("/v1/customers", {"name": "Ähre GmbH", "email": "zeta@korn.example"})
    for query, found in (
        ("q=zeb", ["Zebra Ltd"]), ("q=ZEBRA%20L", ["Zebra Ltd"]), ("q=INFO@", ["Zebra Ltd"]),
        ("q=animal", ["Zebra Ltd"]), ("q=%C3%A4H", ["Ähre GmbH"]), ("q=ebra", []), ("q=nothing", []),
    ):
        assert names(api, query) == found, query
    assert sorted(names(api, "q=ze")) == ["Zebra Ltd", "Ähre GmbH"]


@pytest.mark.parametrize("wildcard", [
    "%25", "_", "%5C", "*", ".%2A", "%25%25", "a%25", "a_", "%5B", "'", "%27%20OR%201=1",
])
def test_wildcards_are_letters(api: Api, wildcard: str) -> None:
    """T58."""
    api.made("/v1/customers", {"name": "abc", "email": "abc@acme.example", "key": "abc"})
    assert names(api, f"q={wildcard}") == []
    assert names(api, f"email={wildcard}") == []


def test_wildcards_find_themselves(api: Api) -> None:
    for name in ("100% Ltd", "a_b", "c\\d"):
        api.made("/v1/customers", {"name": name})
    assert names(api, "q=100%25") == ["100% Ltd"]
    assert names(api, "q=a_") == ["a_b"]
    assert names(api, "q=c%5C") == ["c\\d"]


def test_a_long_q_is_refused_quickly(api: Api) -> None:
    """T58: 10,000 characters."""
    began = time.perf_counter()
    assert fields_refused(api.get(f"/v1/customers?q={'a' * 10_000}")) == {"q"}
    assert time.perf_counter() - began < 0.5


def test_email_finds_one_whatever_its_case(api: Api) -> None:
    api.made("/v1/customers", {"name": "A", "email": "Billing@acme.example"})
    api.made("/v1/customers", {"name": "B", "email": "billing2@acme.example"})
    assert names(api, "email=BILLING@acme.example") == ["A"]
    assert names(api, "email=billing") == []


def test_created_after_leaves_the_older_out(api: Api) -> None:
    for second in range(4):
        made_at(api, second)
    assert names(api, "created_after=2026-11-20T12:00:01Z") == ["C02", "C03"]
    assert names(api, "created_after=2026-11-20T13:00:01%2B01:00") == ["C02", "C03"]
    assert names(api, "created_after=2026-11-20T12:00:01.5Z&q=c03") == ["C03"]
    assert fields_refused(api.get("/v1/customers?created_after=2026-11-20")) == {"created_after"}


@pytest.mark.parametrize(("query", "field"), [
    ("limit=0", "limit"), ("limit=-1", "limit"), ("limit=201", "limit"), ("limit=abc", "limit"), ("limit=", "limit"),
    ("limit=1.0", "limit"), ("limit=%D9%A3", "limit"), ("after=nonsense", "after"), ("after=%F0%9F%98%80", "after"),
    ("after=AAAAAAAAAAAA", "after"), ("sort=name", "sort"), ("offset=3", "offset"),
    ("organization=org_1", "organization"),
])
def test_a_query_that_cannot_be(api: Api, query: str, field: str) -> None:
    """T59."""
    assert fields_refused(api.get(f"/v1/customers?{query}")) == {field}


def test_a_query_says_a_thing_once(api: Api) -> None:
    assert api.get("/v1/customers?q=a&q=b").status_code == 400


def test_no_row_twice_and_none_missed_while_rows_are_added(api: Api) -> None:
    """T59, I12: those that were there at the start, each once, in order; also after one was deleted."""
    there = [made_at(api, second)["id"] for second in range(10)]
    seen: list[str] = []
    after = ""
    for second in range(10, 30):
        page = api.get(f"/v1/customers?limit=3{after}").json or {}
        seen += [customer["id"] for customer in page["data"]]
        if page["next"] is None:
            break
        made_at(api, second)
        if second == 11:  # the row that the cursor stands on
            assert api.delete(f"/v1/customers/{seen[-1]}").status_code == 204
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen))
    assert seen[:10] == there
    assert seen == sorted(seen)


def test_a_page_that_is_full_may_be_the_last(api: Api) -> None:
    for second in range(4):
        made_at(api, second)
    page = api.get("/v1/customers?limit=2").json or {}
    page = api.get(f"/v1/customers?limit=2&after={page['next']}").json or {}
    assert ([customer["name"] for customer in page["data"]], page["next"]) == (["C02", "C03"], None)


def test_a_cursor_belongs_to_its_list_and_organisation(api: Api) -> None:
    """T59."""
    for second in range(3):
        made_at(api, second)
    cursor = (api.get("/v1/customers?limit=1").json or {})["next"]
    stranger = api.stranger()
    stranger.made("/v1/customers", {"name": "Theirs"})
    assert fields_refused(stranger.get(f"/v1/customers?after={cursor}")) == {"after"}
    assert fields_refused(api.get(f"/v1/meters?after={cursor}")) == {"after"}
    forged = f"{'A' if cursor[0] != 'A' else 'B'}{cursor[1:]}"
    assert fields_refused(api.get(f"/v1/customers?after={forged}")) == {"after"}
    assert api.get(f"/v1/customers?after={cursor}").status_code == 200


def test_a_customer_that_nothing_needs_can_go(api: Api) -> None:
    made = api.made("/v1/customers", FULL)
    assert api.delete("/v1/customers/acme").status_code == 204
    for reference in ("acme", made["id"]):
        assert api.get(f"/v1/customers/{reference}").status_code == 404
        assert api.delete(f"/v1/customers/{reference}").status_code == 404
    assert api.made("/v1/customers", FULL)["id"] != made["id"]


def test_another_organisation_sees_nothing(api: Api) -> None:
    """T44: the same body as for a customer that never was, in every call, filter and search."""
    made = api.made("/v1/customers", FULL)
    stranger = api.stranger()
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        for reference in (made["id"], "acme"):
            answer = stranger.call(method, f"/v1/customers/{reference}", body)
            unknown = stranger.call(method, f"/v1/customers/{reference[:-1]}0", body)
            told = [{**(each.json or {}), "request_id": "", "detail": ""} for each in (answer, unknown)]
            assert told[0] == told[1]
            assert answer.status_code == 404
            assert (answer.json or {})["detail"] == f"There is no customer {reference}."
    for query in ("", "q=acme", "email=billing@acme.example", "created_after=2020-01-01T00:00:00Z"):
        assert names(stranger, query) == []
    assert api.get("/v1/customers/acme").json == made


def test_a_retry_makes_one_customer(api: Api) -> None:
    """T32: the same words in another order and spacing are the same request."""
    headers = {"Idempotency-Key": '"one"', "Content-Type": "application/json"}
    first = api.post("/v1/customers", data=b'{"name": "Acme", "key": "a"}', headers=headers)
    headers |= {"Idempotency-Key": "one"}
    again = api.post("/v1/customers", data=b'{ "key":"a",\n"name":"Acme" }', headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert api.post("/v1/customers", data=b'{"name": "B"}', headers=headers).status_code == 422
    assert len(api.every("/v1/customers")) == 1


def subscribed(api: Api, customer: str, **fields: Any) -> dict[str, Any]:
    """A live subscription of a customer to a plan of 10.00 a month in its currency."""
    currency = (api.get(f"/v1/customers/{customer}").json or {})["currency"]
    price = {"key": "base", "name": "Base", "model": "flat", "amount": "10", "billing": "in_advance"}
    plan = f"plan-{customer}"
    api.made("/v1/plans", {"key": plan, "name": "P", "currency": currency, "interval": "month", "prices": [price]})
    body = {"customer": customer, "plan": plan, "starts_at": "2026-11-01T00:00:00Z", "anchor": "calendar"}
    return api.made("/v1/subscriptions", body | fields)


def test_a_customer_with_a_live_subscription_stays(api: Api) -> None:
    made = api.made("/v1/customers", FULL)
    subscribed(api, "acme")
    answer = api.delete("/v1/customers/acme")
    assert answer.status_code == 409
    assert "subscription" in (answer.json or {})["detail"]
    assert api.get("/v1/customers/acme").json == made


def test_the_currency_of_a_live_customer_is_fixed(api: Api) -> None:
    """While a live subscription exists (rule 23); what else there is may change."""
    api.made("/v1/customers", FULL)
    assert api.patch("/v1/customers/acme", {"currency": "USD"}).status_code == 200
    subscribed(api, "acme")
    answer = api.patch("/v1/customers/acme", {"currency": "EUR"})
    assert answer.status_code == 409
    assert "stays in USD" in (answer.json or {})["detail"]
    assert api.patch("/v1/customers/acme", {"currency": "USD", "name": "Acme AG"}).status_code == 200
    assert (api.get("/v1/customers/acme").json or {})["currency"] == "USD"


def test_a_subscription_keeps_the_time_zone_it_was_made_with(api: Api) -> None:
    """Moving the customer moves no period of what is running (rule 11)."""
    api.made("/v1/customers", FULL)
    period = subscribed(api, "acme")["current_period"]
    assert api.patch("/v1/customers/acme", {"timezone": "Pacific/Kiritimati"}).status_code == 200
    [subscription] = api.every("/v1/subscriptions?customer=acme")
    assert subscription["current_period"] == period
