"""The customer book over HTTP, on each store."""

from tests.service.conftest import Api


def test_a_customer_is_found_by_id_and_by_key(api: Api) -> None:
    made = api.made("/v1/customers", {"key": "acme", "name": "Acme"})
    assert api.get(f"/v1/customers/{made['id']}").json == api.get("/v1/customers/acme").json == made


def test_an_email_belongs_to_one_customer(api: Api) -> None:
    api.made("/v1/customers", {"name": "Acme", "email": "Billing@acme.example"})
    answer = api.post("/v1/customers", {"name": "Impostor", "email": "billing@ACME.example"})
    assert answer.status_code == 409
    assert len(api.every("/v1/customers")) == 1
