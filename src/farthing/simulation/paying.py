"""Money comes in: on time, late, in parts, too much, ahead, and by mistake."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from farthing.kernel.clock import instant_text
from farthing.pricing.arithmetic import exactly, money
from farthing.pricing.currencies import currency
from farthing.simulation.catalogue import price_in
from farthing.simulation.kinds import Json, Scene, happens

PARTS: Final = (2, 3, 7)


@happens(70)
def pay(scene: Scene) -> None:
    """The oldest open invoice, whole or in part; as most are paid, what stays open is late."""
    found = [one for one in scene.invoices("open") if Decimal(one["amount_due"]) > 0]
    if found:
        one = found[0]
        whole = scene.chance.randrange(4) > 0
        amount = one["amount_due"] if whole else _part(one, scene.chance.choice(PARTS))
        if whole and scene.chance.randrange(15) == 0:  # and a zero too many: the rest stays on the balance
            amount = _part(one, 1, times=10)
        body = {
            "invoice": one["id"], "amount": amount, "currency": one["currency"], "method": "transfer",
            "reference": f"Invoice {one['number']}, {scene.now:%d %m %Y}",
            "received_at": instant_text(scene.now - timedelta(days=scene.chance.randrange(3))),
        }
        scene.office.tried("pay" if whole else "pay_in_part", "POST", "/v1/payments", body)


def _part(one: Json, of: int, times: int = 1) -> str:
    """Some of what is due, at least one minor unit, or some times as much."""
    unit = currency(one["currency"])
    with exactly():
        minor = int(Decimal(one["amount_due"]).scaleb(unit.decimals))
        return money(Decimal(max(1, minor * times // of)).scaleb(-unit.decimals), unit)


@happens(2)
def pay_ahead(scene: Scene) -> None:
    """Money for no invoice stays on the customer's balance."""
    code = scene.who.place.currency
    body = {
        "customer": scene.who.key, "amount": price_in(code, scene.chance.randrange(500, 9000)), "currency": code,
        "method": "transfer", "reference": f"For later, {scene.who.key}, {scene.now:%d %m %Y}",
    }
    scene.office.tried("pay_ahead", "POST", "/v1/payments", body)


@happens(2)
def refund(scene: Scene) -> None:
    """A payment goes back where it came from, whole or in part."""
    one = scene.picked(scene.office.every(f"/v1/payments?customer={scene.who.key}"))
    if one is not None:
        body = {} if scene.chance.randrange(3) else {"amount": price_in(one["currency"], 10), "reason": "Too much"}
        scene.office.tried("refund", "POST", f"/v1/payments/{one['id']}/refund", body)


@happens(3)
def top_up(scene: Scene) -> None:
    """Credit that was paid for or granted, used by priority, then expiry, then age (rule 28)."""
    code, chance = scene.who.place.currency, scene.chance
    key = f"{scene.who.key}'s wallet"
    found = scene.office.tried("look_at_wallets", "GET", f"/v1/wallets?customer={scene.who.key}")
    if found is None:
        return
    wallets = found["data"]
    wallet = wallets[0] if wallets else scene.office.tried(
        "new_wallet", "POST", "/v1/wallets", {"customer": scene.who.key, "currency": code, "name": key}
    )
    if wallet is None:
        return
    body: Json = {"amount": price_in(code, chance.randrange(500, 8000)), "kind": chance.choice(("paid", "granted"))}
    if chance.randrange(2):
        body["expires_at"] = instant_text(scene.now + timedelta(days=chance.randrange(5, 120)))
    if chance.randrange(2):
        body["priority"] = chance.randrange(4)
    scene.office.tried(f"top_up_{body['kind']}", "POST", f"/v1/wallets/{wallet['id']}/top-ups", body)
