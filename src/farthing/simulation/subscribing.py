"""Customers come, change their minds, and go."""

from datetime import datetime, timedelta
from random import Random
from typing import Final

from farthing.kernel.clock import instant_text
from farthing.simulation.catalogue import price_in
from farthing.simulation.kinds import Json, Scene, happens
from farthing.simulation.office import Office
from farthing.simulation.story import Person

PLANS: Final = (
    "starter", "team", "scale", "payments", "yearly", "weekly", "quarterly", "daily", "fortnight", "starter", "team",
)
MONTHLY: Final = ("starter", "team", "scale", "payments")
NOT_ON_THE_1ST: Final = ("fortnight",)  # an interval of several units has no calendar
SEATED: Final = ("team", "quarterly")
LIVE: Final = ("scheduled", "trialing", "active", "paused")


def welcome(office: Office, who: Person, now: datetime, seed: str) -> None:
    """A customer's first day: it is written down, and given a first subscription."""
    chance = Random(f"{seed} welcome {who.number}")
    office.made("/v1/customers", who.body(chance))
    office.done["customer"] += 1
    _subscribe(Scene(office, who, now, chance), "subscribe")


@happens(25)
def come_back(scene: Scene) -> None:
    """Whoever has no subscription any more begins another, sooner or later."""
    if not scene.subscriptions(*LIVE, "canceled"):
        _subscribe(scene, "come_back")


@happens(2)
def subscribe_again(scene: Scene) -> None:
    """A second subscription counts only the usage that names it (rule 16)."""
    taken = any(each["key"] == scene.who.own for each in scene.subscriptions(*LIVE, "canceled", "ended"))
    key = f"{scene.who.own}-{scene.now:%Y-%m-%d}" if taken else scene.who.own
    _subscribe(scene, "subscribe_again", own_usage=True, key=key)


def _subscribe(scene: Scene, what: str, **more: object) -> None:
    chance = scene.chance
    plan, code = chance.choice(PLANS), scene.who.place.currency.lower()
    days = chance.choice((0, 0, 0, -20, -3, 5, 25))
    starts_at = scene.now + timedelta(days=days)
    body: Json = {
        "customer": scene.who.key, "plan": f"{plan}-{code}", "starts_at": instant_text(starts_at),
        "anchor": "anniversary" if plan in NOT_ON_THE_1ST else chance.choice(("calendar", "anniversary")), **more,
    }
    if plan in SEATED:
        body["quantities"] = {"seats": str(chance.randrange(1, 12))}
    if chance.randrange(4) == 0:
        body["coupons"] = [f"{chance.choice(('welcome', 'loyal', 'start', 'base', 'rare'))}-{code}"]
    if chance.randrange(6) == 0:
        body["ends_at"] = instant_text(starts_at + timedelta(days=chance.randrange(20, 200)))
    if plan == "starter" and chance.randrange(3) == 0:
        body["overrides"] = {"base": {"amount": price_in(code.upper(), chance.randrange(1000, 2900))}}
    scene.office.tried(what, "POST", "/v1/subscriptions", body)


@happens(2)
def cancel(scene: Scene) -> None:
    """At once, with the period, or on a day to come (rule 13)."""
    one = scene.picked(scene.subscriptions("trialing", "active"))
    if one is not None:
        ahead = instant_text(scene.now + timedelta(days=scene.chance.randrange(1, 40)))
        at = scene.chance.choice(("now", "period_end", ahead))
        scene.office.tried("cancel", "POST", f"/v1/subscriptions/{one['id']}/cancel", {"at": at})


@happens(6)
def uncancel(scene: Scene) -> None:
    """While the end is not billed, it may be withdrawn."""
    one = scene.picked(scene.subscriptions("canceled"))
    if one is not None:
        scene.office.tried("uncancel", "POST", f"/v1/subscriptions/{one['id']}/uncancel")


@happens(5)
def change_quantity(scene: Scene) -> None:
    """More seats or fewer, at once, with the period, or some days ago (rules 13 and 14)."""
    one = _on_plan(scene, SEATED)
    if one is not None:
        _change(scene, "change_quantity", one, {"quantities": {"seats": str(scene.chance.randrange(1, 15))}})


@happens(4)
def change_plan(scene: Scene) -> None:
    """Another plan of the same currency; sometimes one of another interval (rule 14)."""
    one = scene.picked(scene.subscriptions("active", "trialing"))
    if one is not None:
        plan = scene.chance.choice(MONTHLY if scene.chance.randrange(3) else PLANS)
        body: Json = {"plan": f"{plan}-{scene.who.place.currency.lower()}"}
        if plan in SEATED:
            body["quantities"] = {"seats": str(scene.chance.randrange(1, 9))}
        _change(scene, "change_plan", one, body)


@happens(2)
def change_price(scene: Scene) -> None:
    """A fee of its own for one customer."""
    one = _on_plan(scene, ("starter", "yearly", "weekly", "fortnight"))
    if one is not None:
        amount = price_in(scene.who.place.currency, scene.chance.randrange(500, 4000))
        _change(scene, "change_price", one, {"overrides": {"base": {"amount": amount}}})


def _on_plan(scene: Scene, plans: tuple[str, ...]) -> Json | None:
    return scene.picked([
        each for each in scene.subscriptions("active", "trialing") if each["plan_key"].startswith(plans)
    ])


def _change(scene: Scene, what: str, one: Json, body: Json) -> None:
    days = timedelta(days=scene.chance.randrange(-5, 20))
    at = scene.chance.choice(("now", "now", "period_end", instant_text(scene.now + days)))
    when = {} if scene.chance.randrange(3) else {"invoice": scene.chance.choice(("now", "next"))}
    scene.office.tried(what, "POST", f"/v1/subscriptions/{one['id']}/change", body | {"at": at} | when)


@happens(3)
def pause(scene: Scene) -> None:
    """Whole days without a fee (rule 15)."""
    one = scene.picked(scene.subscriptions("active"))
    if one is not None:
        ahead = instant_text(scene.now + timedelta(days=scene.chance.randrange(1, 9)))
        at = scene.chance.choice(("now", ahead))
        scene.office.tried("pause", "POST", f"/v1/subscriptions/{one['id']}/pause", {"at": at})


@happens(60)
def resume(scene: Scene) -> None:
    """Some time after its pause, a subscription goes on."""
    one = scene.picked(scene.subscriptions("paused"))
    if one is not None:
        scene.office.tried("resume", "POST", f"/v1/subscriptions/{one['id']}/resume", {"at": "now"})


@happens(3)
def coupon_for_subscription(scene: Scene) -> None:
    one, code = scene.picked(scene.subscriptions(*LIVE)), scene.who.place.currency.lower()
    if one is not None:
        coupon = f"{scene.chance.choice(('loyal', 'start', 'base', 'rare'))}-{code}"
        path = f"/v1/subscriptions/{one['id']}/coupons"
        scene.office.tried("coupon_for_subscription", "POST", path, {"coupon": coupon})


@happens(1)
def coupon_for_customer(scene: Scene) -> None:
    coupon = f"{scene.chance.choice(('welcome', 'start'))}-{scene.who.place.currency.lower()}"
    path = f"/v1/customers/{scene.who.key}/coupons"
    scene.office.tried("coupon_for_customer", "POST", path, {"coupon": coupon})


@happens(1)
def move(scene: Scene) -> None:
    """To another state of the same country, with other taxes; what is invoiced stays as it is (rule 20)."""
    country, region = scene.who.place.country, scene.chance.choice(("NY", "CA"))
    if country == "US":
        address = {"line1": "2 New Street", "region": region, "country": country}
        scene.office.tried("move", "PATCH", f"/v1/customers/{scene.who.key}", {"address": address})
