"""The sample's usage: the same events for the same customer and month, whenever and wherever they are made."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from farthing.demo.customers import SampleCustomer
from farthing.demo.months import local_month
from farthing.kernel.clock import instant_text
from farthing.pricing.currencies import currency

SEED: Final = 1
SOURCE: Final = "farthing-demo"
Data = dict[str, object]


def usage_of(customer: SampleCustomer, month: date) -> Iterator[Data]:
    """A customer's events of a local month, as they are sent; which ones depends on these two and the seed."""
    chance = Random(f"{SEED} {customer.key} {month}")
    period = local_month(month, ZoneInfo(customer.timezone))
    seconds = int((period.end - period.start).total_seconds())
    for number in range(1, customer.size + chance.randrange(customer.size // 5 + 1) + 1):
        happened = period.start + timedelta(seconds=chance.randrange(seconds))
        kind, data = chance.choice(HABITS[customer.plan])
        yield {
            "source": SOURCE, "id": f"{month:%Y-%m}-{customer.key}-{number:04}", "type": kind,
            "subject": customer.key, "time": instant_text(happened), "data": data(chance, customer),
        }


def _calls(chance: Random, customer: SampleCustomer) -> Data:
    calls = chance.randrange(1, customer.size * 20)
    return {"calls": str(calls), "endpoint": chance.choice(("search", "lookup", "export"))}


def _messages(chance: Random, customer: SampleCustomer) -> Data:
    return {"messages": str(chance.randrange(1, 400)), "channel": chance.choice(("sms", "push"))}


def _payment(chance: Random, customer: SampleCustomer) -> Data:
    """A payment of 2 to 90 dollars or the like: smaller for currencies with more decimals, larger with none."""
    decimals = currency(customer.currency).decimals
    units = chance.randrange(200, 9_000) * (10 if decimals == 3 else 1)
    return {"amount": f"{units // 10**decimals}.{units % 10**decimals:0{decimals}}" if decimals else str(units)}


def _compute(chance: Random, customer: SampleCustomer) -> Data:
    hours = f"{chance.randrange(1, 48)}.{chance.choice(('00', '25', '5', '75'))}"
    return {"hours": hours, "region": chance.choice(("eu", "us", "ap")), "tier": chance.choice(("basic", "fast"))}


def _storage(chance: Random, customer: SampleCustomer) -> Data:
    return {"gigabytes": str(chance.randrange(1, 900)), "bucket": chance.choice(("archive", "images", "logs"))}


HABITS: Final[Mapping[str, Sequence[tuple[str, Callable[[Random, SampleCustomer], Data]]]]] = {
    "starter": [("api.request", _calls)],
    "growth": [("api.request", _calls)],
    "messaging": [("message.sent", _messages)],
    "payments": [("payment.processed", _payment)],
    "cloud": [("compute.used", _compute), ("compute.used", _compute), ("storage.sampled", _storage)],
}
