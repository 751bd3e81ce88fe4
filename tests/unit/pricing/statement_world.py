"""A statement and the open invoices it pays, made at random from a seed, with the truth beside it (rule 24)."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

from farthing.pricing.transfers import Owed, Transfer

TEXTS: Final = ("{}", "Invoice {}", "rechnung nr. {} vielen dank", "({})", "PAYMENT/{}/THANKS", "re {}, as agreed")
USUAL: Final = (4_900, 9_900, 19_900)  # amounts that many invoices have
MOST: Final = 12  # open invoices of one customer, of which all sets can be tried
FOREIGN: Final = "CHF"


@dataclass(frozen=True)
class Paid:
    """A transfer with what it was really for; `clear` where rule 24 leaves no doubt about that."""

    transfer: Transfer
    kind: str
    truth: frozenset[str]
    clear: bool


@dataclass
class World:
    """Everything that a generator knows."""

    chance: random.Random
    invoices: list[Owed] = field(default_factory=list)
    payers: dict[str, str] = field(default_factory=dict)
    statement: list[Paid] = field(default_factory=list)
    of: dict[str, list[Owed]] = field(default_factory=dict)  # by customer, what no transfer was made for yet
    amounts: Counter[int] = field(default_factory=Counter)  # of all invoices
    sums: dict[str, Counter[int]] = field(default_factory=dict)  # of each customer's pairs
    all_sums: Counter[int] = field(default_factory=Counter)
    larger: dict[str, Counter[int]] = field(default_factory=dict)  # of each customer's sets of three to five


def new_world(seed: int, invoices: int, transfers: int) -> World:
    """So many open invoices and transfers, mixed."""
    world = World(random.Random(seed))
    _bill(world, invoices)
    makers: Sequence[tuple[Callable[[World], Iterator[Paid]], int]] = (
        (_right, 30), (_several, 8), (_mistyped, 10), (_wrong, 8), (_amount, 14), (_usual, 6), (_pair, 8), (_set, 8),
        (_foreign, 3), (_unrelated, 5),
    )
    kinds, weights = zip(*makers, strict=True)
    while len(world.statement) < transfers:
        [make] = world.chance.choices(kinds, weights)
        made = list(make(world))
        again = [
            replace(one, transfer=replace(one.transfer, id=f"{one.transfer.id}/again"), truth=frozenset(), clear=False)
            for one in made if world.chance.random() < 0.05  # somebody pays twice
        ]
        world.statement += made + again
    world.statement = world.statement[:transfers]
    return world


def _bill(world: World, count: int) -> None:
    customers = [f"cus_{number}" for number in range(max(4, count // 7))]
    for number in range(1, count + 1):
        due = world.chance.choice(USUAL) if world.chance.random() < 0.2 else world.chance.randint(100, 900_000)
        customer = world.chance.choice([one for one in customers if len(world.of.get(one, ())) < MOST])
        one = Owed(f"inv_{number}", f"INV-2026-{number:06d}", customer, "USD", due)
        world.invoices.append(one)
        world.amounts[due] += 1
        world.of.setdefault(one.customer, []).append(one)
    for customer, own in world.of.items():
        dues = [one.due for one in own]
        world.sums[customer] = Counter(map(sum, combinations(dues, 2)))
        world.all_sums += world.sums[customer]
        world.larger[customer] = Counter(sum(each) for size in (3, 4, 5) for each in combinations(dues, size))
        if world.chance.random() < 0.7:
            world.payers[f"iban:{customer}"] = customer


def _sender(world: World, customer: str, known: bool | None = None) -> tuple[str, ...]:
    """By its account, which is known of most customers; by a strange one; by none at all."""
    if known or (known is None and world.chance.random() < 0.6):
        return (f"iban:{customer}", f"name:{customer}")
    return () if world.chance.random() < 0.3 else (f"iban:strange {world.chance.random()}",)


def _taken(world: World, count: int, fits: Callable[[Sequence[Owed]], bool] = bool) -> list[Owed]:
    """Invoices of one customer that no other transfer is for; none when no try fits."""
    for _ in range(200):
        own = world.of[world.chance.choice(list(world.of))]
        if len(own) >= count and fits(some := world.chance.sample(own, count)):
            for one in some:
                own.remove(one)
            return some
    return []


def _paid(
    world: World, kind: str, paid: Sequence[Owed], reference: str, clear: bool, payers: tuple[str, ...]
) -> Iterator[Paid]:
    if paid:
        amount = sum(one.due for one in paid)
        made = Transfer(f"t{len(world.statement)}", amount, "USD", reference, None, payers)
        yield Paid(made, kind, frozenset(one.id for one in paid), clear)


def _written(world: World, numbers: Sequence[str]) -> str:
    """Numbers in a text as people write them."""
    cased = [world.chance.choice((str, str.lower))(one) for one in numbers]
    parts = [world.chance.choice((one, one.replace("-", " "), one.replace("-", ""))) for one in cased]
    return world.chance.choice(TEXTS).format(world.chance.choice((", ", " + ", " and ")).join(parts))


def _right(world: World) -> Iterator[Paid]:
    paid = _taken(world, 1)
    for one in paid:
        yield from _paid(world, "right", paid, _written(world, [one.number]), True, _sender(world, one.customer))


def _several(world: World) -> Iterator[Paid]:
    paid = _taken(world, world.chance.randint(2, 5))
    if paid:
        text = _written(world, [one.number for one in paid])
        yield from _paid(world, "several", paid, text, True, _sender(world, paid[0].customer))


def _alone(world: World) -> Callable[[Sequence[Owed]], bool]:
    return lambda some: world.amounts[some[0].due] == 1


def _mistyped(world: World) -> Iterator[Paid]:
    """One digit is another: of no invoice's number, which hides nothing, or of another one's, which is a doubt."""
    for one in (paid := _taken(world, 1, _alone(world))):
        digits = list(one.number[-6:])
        digits[world.chance.randrange(6)] = str(world.chance.randrange(10))
        number = int("".join(digits))
        if f"{number:06d}" != one.number[-6:]:
            strange = number == 0 or number > len(world.invoices)
            text = _written(world, [f"INV-2026-{number:06d}"])
            yield from _paid(world, "mistyped", paid, text, strange, _sender(world, one.customer))


def _wrong(world: World) -> Iterator[Paid]:
    """The number of another open invoice, which is due with something else."""
    other = world.chance.choice(world.invoices)
    for one in (paid := _taken(world, 1, _alone(world))):
        if other.due != one.due:
            yield from _paid(world, "wrong", paid, _written(world, [other.number]), False, _sender(world, one.customer))


def _amount(world: World) -> Iterator[Paid]:
    for one in (paid := _taken(world, 1, _alone(world))):
        yield from _paid(world, "amount", paid, "thank you", True, _sender(world, one.customer))


def _usual(world: World) -> Iterator[Paid]:
    """An amount that many have: only a number would tell which."""
    for one in (paid := _taken(world, 1, lambda some: some[0].due in USUAL)):
        yield from _paid(world, "usual", paid, "", False, _sender(world, one.customer, known=False))


def _pair(world: World) -> Iterator[Paid]:
    def fits(some: Sequence[Owed]) -> bool:
        amount = some[0].due + some[1].due
        return world.amounts[amount] == 0 and world.all_sums[amount] == 1

    paid = _taken(world, 2, fits)
    if paid:
        yield from _paid(world, "pair", paid, "two invoices", True, _sender(world, paid[0].customer))


def _set(world: World) -> Iterator[Paid]:
    """Of a customer whose account is known; of another nobody can tell."""
    def fits(some: Sequence[Owed]) -> bool:
        customer, amount = some[0].customer, sum(one.due for one in some)
        own = all(one.due != amount for one in world.invoices if one.customer == customer)
        return own and world.sums[customer][amount] == 0 and world.larger[customer][amount] == 1

    paid = _taken(world, world.chance.randint(3, 5), fits)
    if paid:
        customer = paid[0].customer
        known = f"iban:{customer}" in world.payers
        yield from _paid(world, "set", paid, "", known, _sender(world, customer, known=True))


def _foreign(world: World) -> Iterator[Paid]:
    """Of a currency in which nothing is due, with a number all the same."""
    one = world.chance.choice(world.invoices)
    made = Transfer(f"t{len(world.statement)}", one.due, FOREIGN, one.number, None, _sender(world, one.customer))
    yield Paid(made, "foreign", frozenset(), False)


def _unrelated(world: World) -> Iterator[Paid]:
    """Money for something else: of an amount that nothing explains, since what explains it would be believed."""
    customer = world.chance.choice(list(world.of))
    amount = world.chance.randint(100, 2_000_000)
    if not (world.amounts[amount] or world.all_sums[amount] or any(of[amount] for of in world.larger.values())):
        made = Transfer(f"t{len(world.statement)}", amount, "USD", "deposit", None, _sender(world, customer))
        yield Paid(made, "unrelated", frozenset(), False)
