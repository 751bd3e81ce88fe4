"""The organisation over HTTP."""

import json
from typing import Any

import pytest

from farthing.identity.organizations.service import NameAmbiguous, Organizations
from farthing.identity.organizations.values import OrganizationNotFound
from tests.service.conftest import Api

FULL: dict[str, Any] = {
    "name": "Farthing Ltd", "legal_name": "Farthing Limited", "email": "billing@farthing.example",
    "address": {"line1": "1 Main St", "city": "Berlin", "postal_code": "10115", "country": "DE"},
    "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}], "timezone": "Europe/Berlin", "currency": "EUR",
    "locale": "de-DE", "grace_seconds": 7200, "payment_terms_days": 14,
    "bank": {"iban": "DE89370400440532013000", "bic": "COBADEFFXXX"}, "unique_emails": False,
}


def test_an_organisation_begins_with_defaults(api: Api) -> None:
    answer = dict(api.get("/v1/organization").json or {})
    assert answer.items() >= {
        "id": api.organization, "name": "Testers", "timezone": "UTC", "currency": "USD", "locale": "en",
        "grace_seconds": 3600, "payment_terms_days": 30, "invoice_rules": "none", "unique_emails": True,
        "sandbox": False, "version": 1, "address": None, "bank": None, "tax_ids": [],
    }.items()


def test_all_that_may_be_set_comes_back(api: Api) -> None:
    changed = api.patch("/v1/organization", FULL)
    assert changed.status_code == 200, changed.get_data(as_text=True)
    assert (changed.json or {}).items() >= FULL.items()
    assert api.get("/v1/organization").json == changed.json


def test_a_patch_merges(api: Api) -> None:
    """RFC 7396: what is not named stays, also inside; null takes away."""
    api.patch("/v1/organization", FULL)
    changed = dict(api.patch("/v1/organization", {"address": {"city": "Hamburg", "line1": None}}).json or {})
    assert changed["address"] == {"city": "Hamburg", "postal_code": "10115", "country": "DE"}
    assert changed["legal_name"] == "Farthing Limited"
    changed = dict(api.patch("/v1/organization", {"address": None, "timezone": None, "email": None}).json or {})
    assert (changed["address"], changed["timezone"], changed["email"]) == (None, "UTC", None)


@pytest.mark.parametrize(("patch", "field"), [
    ({"id": "org_1"}, "id"), ({"version": 9}, "version"), ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
    ({"sandbox": True}, "sandbox"), ({"organization": "org_1"}, "organization"), ({"scopes": ["admin"]}, "scopes"),
    ({"invoice_rules": "eu"}, "invoice_rules"), ({"name": None}, "name"), ({"name": ""}, "name"),
    ({"name": "a\u0007b"}, "name"), ({"currency": "usd"}, "currency"), ({"currency": "XXX"}, "currency"),
    ({"timezone": "Mars/Olympus"}, "timezone"), ({"timezone": "../etc/passwd"}, "timezone"),
    ({"locale": "xx_XX_X"}, "locale"),
    ({"grace_seconds": -1}, "grace_seconds"), ({"grace_seconds": "3600"}, "grace_seconds"),
    ({"grace_seconds": 1.5}, "grace_seconds"), ({"grace_seconds": True}, "grace_seconds"),
    ({"payment_terms_days": 100_000}, "payment_terms_days"), ({"unique_emails": 1}, "unique_emails"),
    ({"email": "nobody"}, "email"), ({"address": {"country": "Germany"}}, "address.country"),
    ({"address": {"planet": "Earth"}}, "address.planet"), ({"bank": {"iban": "nonsense"}}, "bank.iban"),
    ({"tax_ids": [{"type": "eu_vat"}]}, "tax_ids[0].value"),
    ({"tax_ids": [{"type": "eu_vat", "value": "DE123456789"}]}, "tax_ids[0].value"), ({"surprise": 1}, "surprise"),
])
def test_what_cannot_be_is_refused_by_name(api: Api, patch: dict[str, Any], field: str) -> None:
    """T45."""
    before = api.get("/v1/organization").json
    answer = api.patch("/v1/organization", patch)
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert {error["field"] for error in (answer.json or {})["errors"]} == {field}
    assert api.get("/v1/organization").json == before


@pytest.mark.parametrize("patch", [None, [], "name", 5, True])
def test_a_patch_is_an_object(api: Api, patch: object) -> None:
    answer = api.patch("/v1/organization", data=json.dumps(patch), content_type="application/merge-patch+json")
    assert answer.status_code == 422


def test_a_stale_etag_changes_nothing(api: Api) -> None:
    """T37."""
    tag = api.get("/v1/organization").headers["ETag"]
    first = api.patch("/v1/organization", {"name": "A"}, headers={"If-Match": tag})
    assert (first.status_code, first.headers["ETag"] != tag) == (200, True)
    assert api.patch("/v1/organization", {"name": "B"}, headers={"If-Match": tag}).status_code == 412
    weak = f"W/{first.headers['ETag']}"
    assert api.patch("/v1/organization", {"name": "B"}, headers={"If-Match": weak}).status_code == 412
    assert api.patch("/v1/organization", {"name": "C"}, headers={"If-Match": "*"}).status_code == 200
    current = api.get("/v1/organization").headers["ETag"]
    assert api.patch("/v1/organization", {"name": "D"}, headers={"If-Match": f'"x", {current}'}).status_code == 200
    assert (api.get("/v1/organization").json or {})["name"] == "D"


def test_only_an_administrator_changes_it(api: Api) -> None:
    narrow = api.with_scopes("read", "write")
    assert narrow.get("/v1/organization").status_code == 200
    assert narrow.patch("/v1/organization", {"name": "Mine"}).status_code == 403


def test_each_sees_its_own(api: Api) -> None:
    api.patch("/v1/organization", {"name": "First"})
    stranger = api.stranger()
    assert (stranger.get("/v1/organization").json or {})["name"] == "Testers"
    assert (stranger.get("/v1/organization").json or {})["id"] == stranger.organization


def test_customers_get_its_defaults(api: Api) -> None:
    api.patch("/v1/organization", {"timezone": "Asia/Kathmandu", "currency": "KWD", "payment_terms_days": 7})
    made = api.made("/v1/customers", {"name": "Acme"})
    assert (made["timezone"], made["currency"], made["payment_terms_days"]) == ("Asia/Kathmandu", "KWD", 7)


def test_the_operator_names_an_organisation_by_id_or_name(api: Api) -> None:
    organizations = api.farthing[Organizations]
    name = f"Only {api.organization}"
    api.patch("/v1/organization", {"name": name})
    assert organizations.named(api.organization).name == name
    assert organizations.named(name).id == api.organization
    organizations.create(name)
    with pytest.raises(NameAmbiguous):
        organizations.named(name)
    with pytest.raises(OrganizationNotFound):
        organizations.named(f"No {name}")
