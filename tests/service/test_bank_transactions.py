"""Bank transactions over HTTP: statements of banks (T19)."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.service.books import Books
from tests.service.conftest import Api

pytestmark = pytest.mark.books

PATH = "/v1/bank-transactions"


def transfer(**fields: Any) -> dict[str, Any]:
    usual = {
        "booked_at": "2026-11-18", "amount": "100.00", "currency": "USD", "reference": "INV-2026-000001",
        "counterparty": {"name": "Acme Ltd", "iban": "de89 3704 0044 0532 0130 00"},
    }
    return usual | fields


def csv(api: Api, text: str, media: str = "text/csv") -> Any:
    return api.post(PATH, data=text.encode(), content_type=media)


def test_a_statement_is_taken_in(api: Api, books: Books) -> None:
    """One transfer, an array, or named `transactions`; what they say is shown."""
    acme = books.customer()
    one = api.made(PATH, transfer(id="b1", customer="acme"))
    two = api.made(PATH, [transfer(reference_id="b2", booked_at="2026-11-18T10:00:00+01:00")])
    three = api.made(PATH, {"transactions": [transfer(id="b3", counterparty={}), transfer(id="b4", amount=7)]})
    assert [done["accepted"] for done in (one, two, three)] == [1, 1, 2]
    shown = api.every(PATH)
    assert [each["id"] for each in shown] == [*one["ids"], *two["ids"], *three["ids"]]
    assert shown[0] == {
        "id": one["ids"][0], "reference_id": "b1", "booked_at": "2026-11-18T00:00:00Z", "amount": "100.00",
        "currency": "USD", "reference": "INV-2026-000001",
        "counterparty": {"name": "Acme Ltd", "iban": "DE89370400440532013000"}, "customer": acme["id"],
        "status": "unmatched", "reconciliation": None, "created_at": "2026-11-20T12:00:00Z",
    }
    assert api.get(f"{PATH}/{shown[0]['id']}").json == shown[0]
    assert (shown[1]["booked_at"], shown[3]["amount"]) == ("2026-11-18T09:00:00Z", "7.00")
    assert api.every(f"{PATH}?status=unmatched") == shown
    assert api.every(f"{PATH}?status=matched") == []


def test_the_same_statement_again_adds_nothing(api: Api) -> None:
    """T19: by the bank's id, or by what it says; two equal transfers in one statement are two."""
    statement = [transfer(id="b1"), transfer(), transfer(), transfer(amount="1.00")]
    first, again = api.post(PATH, statement), api.post(PATH, statement)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json or {})["accepted"] == 4
    assert again.json == {"accepted": 0, "duplicates": 4, "ids": (first.json or {})["ids"]}
    more = api.made(PATH, [transfer(), transfer(), transfer(), transfer(id="b1"), transfer(id="b1")])
    assert (more["accepted"], more["duplicates"]) == (1, 4)
    assert len(api.every(PATH)) == 5


def test_the_banks_id_is_one_transfers(api: Api) -> None:
    api.made(PATH, transfer(id="b1"))
    for change in ({"amount": "100.01"}, {"currency": "EUR"}):
        assert api.post(PATH, [transfer(id="b2"), transfer(id="b1", **change)]).status_code == 409
    assert len(api.every(PATH)) == 1


def test_the_same_statement_at_once_is_taken_once(api: Api) -> None:
    """T19: as if one had come after the other."""
    statement = [transfer(id=f"b{number}") for number in range(20)] + [transfer(), transfer()]
    callers = [api.farthing_client() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda caller: caller.made(PATH, statement), callers))
    assert sorted(answer["accepted"] for answer in answers) == [0, 0, 0, 22]
    assert len({tuple(answer["ids"]) for answer in answers}) == 1


@pytest.mark.parametrize(("change", "field"), [
    ({"amount": "0"}, "amount"), ({"amount": "-1"}, "amount"), ({"amount": "1.001"}, "amount"),
    ({"currency": "usd"}, "currency"), ({"booked_at": "18.11.2026"}, "booked_at"), ({"booked_at": None}, "booked_at"),
    ({"reference": "x" * 1001}, "reference"), ({"balance": "1"}, "balance"), ({"reference_id": "b2"}, "reference_id"),
    ({"counterparty": {"bic": "X"}}, "counterparty.bic"), ({"status": "matched"}, "status"),
])
def test_a_transfer_that_cannot_be_fails_its_statement(api: Api, change: Mapping[str, Any], field: str) -> None:
    """It is named by its index, and nothing is stored."""
    answer = api.post(PATH, [transfer(id="a"), transfer(id="b1") | dict(change)])
    assert answer.status_code == 422
    assert [(one["index"], one["field"]) for one in (answer.json or {})["errors"]] == [(1, field)]
    assert api.every(PATH) == []


def test_a_statement_is_a_table_too(api: Api, books: Books) -> None:
    """With commas or semicolons, a byte order mark and lines that end as on Windows."""
    books.customer()
    header = "id;booked_at;amount;currency;reference;counterparty_name;counterparty_iban;customer"
    line = "b1;2026-11-18;12.30;USD;\"INV-2026-000001; thanks\";Acme;DE1;acme"
    done = csv(api, f"\ufeff{header}\r\n{line}\r\n\r\n;2026-11-19;5;EUR;;;;\r\n")
    assert (done.status_code, done.json["accepted"]) == (201, 2)
    one, other = api.every(PATH)
    assert (one["reference_id"], one["amount"], one["reference"]) == ("b1", "12.30", "INV-2026-000001; thanks")
    assert one["counterparty"] == {"name": "Acme", "iban": "DE1"}
    assert (other["amount"], other["reference"], other["counterparty"]["name"]) == ("5.00", "", None)
    commas = "Booked_At,Amount,Currency\n2026-11-20,1.00,USD\n2026-11-20,1.00,USD\n"
    assert csv(api, commas, "text/csv; charset=utf-8").json["accepted"] == 2
    assert csv(api, commas).json["duplicates"] == 2


def test_bad_lines_are_named(api: Api) -> None:
    lines = ("booked_at,amount,currency", "2026-11-20,1.00,USD", '2026-11-20,"1,50",USD', "2026-11-20,1.001,USD,x")
    answer = csv(api, "\n".join(lines))
    assert answer.status_code == 422
    told = [(one["index"], one["field"], one["message"].rpartition(" (")[2]) for one in answer.json["errors"]]
    assert told == [(1, "amount", "line 3)"), (2, "line", "line 4)")]
    assert api.every(PATH) == []
    assert csv(api, "booked_at,amount,currency,valuta\n").status_code == 422
    assert csv(api, "booked_at,amount,amount,currency\n").status_code == 422
    assert api.post(PATH, data=b"\xff\xfe", content_type="text/csv").status_code == 400


def test_other_kinds_of_statements(api: Api) -> None:
    """camt.053 says that it is not available yet."""
    camt = csv(api, "<Document/>", "application/xml")
    assert (camt.status_code, camt.json["title"]) == (422, "Not available yet")
    assert csv(api, "x", "text/plain").status_code == 415
    assert api.post(PATH, {"transactions": 5}).status_code == 422
    assert api.post(PATH, {"transactions": [], "account": "x"}).status_code == 422
    assert api.made(PATH, {"transactions": []}) == {"accepted": 0, "duplicates": 0, "ids": []}


def test_a_transfer_is_its_organizations_alone(api: Api, books: Books) -> None:
    """T44; and the bank's id is each organisation's own."""
    done = api.made(PATH, transfer(id="b1"))
    stranger = api.stranger()
    assert stranger.get(f"{PATH}/{done['ids'][0]}").status_code == 404
    assert stranger.every(PATH) == []
    assert stranger.made(PATH, transfer(id="b1"))["accepted"] == 1
    books.customer()
    assert stranger.post(PATH, transfer(id="b2", customer="acme")).status_code == 404
    assert api.with_scopes("read").post(PATH, transfer()).status_code == 403
