"""Statements of a bank: transfers that say which invoice they pay, those that do not, and what is made of them."""

from decimal import Decimal
from random import Random

from farthing.pricing.arithmetic import exactly, money
from farthing.pricing.currencies import currency
from farthing.simulation.kinds import Json, Scene, happens


@happens(8)
def transfer(scene: Scene) -> None:
    """A transfer for one open invoice or two, well or badly named; then all that waits is looked at (rule 24)."""
    found = [one for one in scene.invoices("open") if Decimal(one["amount_due"]) > 0]
    if not found:
        return
    chance = scene.chance
    paid = found[:2] if len(found) > 1 and chance.randrange(3) == 0 else [chance.choice(found)]
    body: Json = {
        "id": f"{scene.who.key} {scene.now:%Y-%m-%d}", "booked_at": f"{scene.now:%Y-%m-%d}",
        "amount": _together(paid), "currency": paid[0]["currency"], "reference": _reference(chance, paid),
        "counterparty": {"name": f"Customer {scene.who.number}"},
    }
    if chance.randrange(2):
        body["customer"] = scene.who.key
    if scene.office.tried("transfer", "POST", "/v1/bank-transactions", {"transactions": [body]}) is not None:
        scene.office.tried("reconcile", "POST", "/v1/reconciliations", {"auto": chance.randrange(4) > 0})


@happens(1)
def undo_reconciliation(scene: Scene) -> None:
    """One of the last reconciliations was a mistake: every balance is as it was before."""
    found = scene.office.tried("reconciliations", "GET", "/v1/reconciliations?limit=200")
    if found is None:
        return
    one = scene.picked([each for each in found["data"] if each["status"] != "undone" and each["matched"]][-5:])
    if one is not None:
        scene.office.tried("undo_reconciliation", "POST", f"/v1/reconciliations/{one['id']}/undo")


def _together(invoices: list[Json]) -> str:
    unit = currency(invoices[0]["currency"])
    with exactly():
        return money(sum((Decimal(one["amount_due"]) for one in invoices), Decimal(0)), unit)


def _reference(chance: Random, invoices: list[Json]) -> str:
    """What somebody wrote on it: the numbers, one of them mistyped, or thanks."""
    numbers = " and ".join(str(one["number"]) for one in invoices)
    return chance.choice((f"Invoice {numbers}", numbers.lower().replace("-", " "), f"{numbers}1", "Thank you"))
