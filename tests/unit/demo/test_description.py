"""The sample's description: whole, lawful, and the same every time."""

from collections import Counter
from datetime import date
from zoneinfo import ZoneInfo

from farthing.demo.company import METERS, OFFERS, offer_key
from farthing.demo.customers import CUSTOMERS
from farthing.demo.months import local_month
from farthing.demo.usage import usage_of
from farthing.kernel.clock import instant_from
from farthing.pricing.arithmetic import amount_from
from farthing.pricing.currencies import currency

OCTOBER = date(2026, 10, 1)
EVENTS = {customer.key: list(usage_of(customer, OCTOBER)) for customer in CUSTOMERS}


def test_forty_customers_in_many_places() -> None:
    assert len({customer.key for customer in CUSTOMERS}) == 40
    assert {"USD", "EUR", "JPY", "KWD"} <= {customer.currency for customer in CUSTOMERS}
    assert {"Asia/Kathmandu", "Europe/Berlin", "America/New_York"} <= {customer.timezone for customer in CUSTOMERS}


def test_every_customer_has_a_plan_in_their_currency_and_every_plan_a_customer() -> None:
    wanted = {offer_key(customer.plan, customer.currency) for customer in CUSTOMERS}
    assert wanted == {offer.key for offer in OFFERS}


def test_five_plans_of_every_kind() -> None:
    assert len({offer.plan for offer in OFFERS}) == 5
    prices = [price for offer in OFFERS for price in offer.prices]
    assert {price["model"] for price in prices} == {
        "flat", "graduated", "volume", "package", "percentage", "matrix", "per_unit"
    }
    assert any("minimum" in price for price in prices)
    assert any("group_by" in price for price in prices)
    assert {price["meter"] for price in prices if "meter" in price} == {meter["key"] for meter in METERS}


def test_who_has_seats() -> None:
    with_seats = {offer.plan for offer in OFFERS if any(price["key"] == "seats" for price in offer.prices)}
    assert all((customer.seats > 0) == (customer.plan in with_seats) for customer in CUSTOMERS)


def test_usage_is_the_same_every_time_and_another_each_month() -> None:
    assert all(list(usage_of(customer, OCTOBER)) == EVENTS[customer.key] for customer in CUSTOMERS)
    assert list(usage_of(CUSTOMERS[0], date(2026, 11, 1))) != EVENTS["acme"]


def test_a_few_thousand_events_each_with_an_id_of_its_own() -> None:
    ids = Counter(event["id"] for events in EVENTS.values() for event in events)
    assert 3_000 < len(ids) < 9_000
    assert set(ids.values()) == {1}


def test_events_lie_in_their_customers_month() -> None:
    for customer in CUSTOMERS:
        period = local_month(OCTOBER, ZoneInfo(customer.timezone))
        assert all(
            period.start <= instant_from(str(event["time"])) < period.end for event in EVENTS[customer.key]
        )


def test_payments_have_their_currencys_decimals() -> None:
    for customer in CUSTOMERS:
        for event in EVENTS[customer.key]:
            data = event["data"]
            assert isinstance(data, dict)
            if "amount" in data:
                assert amount_from(data["amount"], currency(customer.currency)) > 0
