"""What the company does with invoices by hand."""

from farthing.simulation.catalogue import price_in
from farthing.simulation.kinds import Json, Scene, happens


def _line(scene: Scene) -> Json:
    chance = scene.chance
    quantity = chance.choice(("1", "2", "2.5", "0.333"))
    unit_amount = price_in(scene.who.place.currency, chance.randrange(100, 20_000))
    line: Json = {"description": "Work", "quantity": quantity, "unit_amount": unit_amount}
    return line | ({"tax_code": "support"} if chance.randrange(4) == 0 else {})


@happens(5)
def one_off_invoice(scene: Scene) -> None:
    """Lines written by hand; most of them are finalised, some changed before, some dropped."""
    lines = [_line(scene) for _ in range(scene.chance.randrange(1, 4))]
    body = {"customer": scene.who.key, "currency": scene.who.place.currency, "lines": lines}
    draft = scene.office.tried("one_off_invoice", "POST", "/v1/invoices", body)
    if draft is None:
        return
    path, luck = f"/v1/invoices/{draft['id']}", scene.chance.randrange(10)
    if luck < 2:
        scene.office.tried("change_draft", "PATCH", path, {"lines": lines[:1]})
    if luck == 9:
        scene.office.tried("delete_draft", "DELETE", path)
    elif luck != 8:
        scene.office.tried("finalize", "POST", f"{path}/finalize")


@happens(8)
def finalize_early(scene: Scene) -> None:
    """A draft need not wait for the end of the grace (rule 26)."""
    one = scene.picked(scene.invoices("draft"))
    if one is not None:
        scene.office.tried("finalize_early", "POST", f"/v1/invoices/{one['id']}/finalize")


@happens(5)
def void(scene: Scene) -> None:
    """A mistake is taken back, and billed anew or not (rule 20)."""
    one = scene.picked([each for each in scene.invoices("open") if not each["payments"]])
    if one is not None:
        rebill = scene.chance.randrange(3) > 0
        what = "void_and_bill_anew" if rebill else "void"
        scene.office.tried(what, "POST", f"/v1/invoices/{one['id']}/void", {"rebill": rebill})


@happens(1)
def write_off(scene: Scene) -> None:
    """The oldest open invoice will not be paid any more; or so it seems."""
    found = scene.invoices("open")
    if found:
        scene.office.tried("write_off", "POST", f"/v1/invoices/{found[0]['id']}/write-off")


@happens(4)
def charge(scene: Scene) -> None:
    """A line on the customer's next invoice."""
    line = _line(scene)
    line.pop("tax_code", None)
    body = line | {"customer": scene.who.key, "currency": scene.who.place.currency}
    scene.office.tried("charge", "POST", "/v1/charges", body)


@happens(6)
def credit_note(scene: Scene) -> None:
    """Part of an invoice, or all that is left of it, is given back (rule 20)."""
    one = scene.picked(scene.invoices("open") + scene.invoices("paid"))
    if one is None:
        return
    body: Json = {"invoice": one["id"], "reason": "A mistake", "refund": scene.chance.choice(("credit", "payment"))}
    lines = [line for line in one["lines"] if not line["amount"].startswith("-") and line["amount"].strip("0.")]
    if lines and scene.chance.randrange(3):
        line = scene.chance.choice(lines)
        cents = scene.chance.randrange(1, 300)
        body["lines"] = [{"line": line["id"], "amount": price_in(one["currency"], cents)}]
    else:
        body["amount"] = "all"
    scene.office.tried("credit_note", "POST", "/v1/credit-notes", body)


@happens(4)
def look(scene: Scene) -> None:
    """What the next invoice will say, and how the last one came about."""
    one = scene.picked(scene.subscriptions("active", "trialing"))
    if one is not None:
        scene.office.tried("upcoming_invoice", "GET", f"/v1/subscriptions/{one['id']}/upcoming-invoice")
    invoice = scene.picked(scene.invoices("open"))
    if invoice is not None:
        line = scene.chance.choice(invoice["lines"])
        path = f"/v1/invoices/{invoice['id']}/lines/{line['id']}/explain"
        scene.office.tried("explain", "GET", path)
