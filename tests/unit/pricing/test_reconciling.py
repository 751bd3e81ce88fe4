"""Which invoices transfers pay (rule 24)."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.reconciling import reconcile
from farthing.pricing.transfers import Kind, Owed, Proposal, Transfer
from tests.unit.pricing.statement_world import new_world

NOBODY: Mapping[str, str] = {}


def owed(number: int, due: int, customer: str = "acme", **fields: str) -> Owed:
    usual = {"currency": "USD", "status": "open"} | fields
    return Owed(f"inv_{number}", f"INV-2026-{number:06d}", customer, due=due, **usual)


def transfer(amount: int, reference: str = "", id: str = "t", **fields: object) -> Transfer:
    return Transfer(id, amount, reference=reference, **({"currency": "USD"} | fields))  # type: ignore[arg-type]


def only(one: Transfer, invoices: Sequence[Owed], payers: Mapping[str, str] = NOBODY) -> Proposal:
    [proposal] = reconcile([one], invoices, payers)
    return proposal


def numbers(proposal: Proposal) -> list[list[int]]:
    """The numbers of each candidate's invoices."""
    return [[int(part.number[-6:]) for part in answer] for answer in proposal.candidates]


def test_a_number_in_the_reference_comes_first() -> None:
    """Before another invoice with the same amount (rule 24)."""
    found = only(transfer(100, "thanks, inv 2026 000002"), [owed(1, 100), owed(2, 100)])
    assert (found.kind, found.ambiguous, numbers(found)) == (Kind.REFERENCE, False, [[2]])
    assert found.reason == "INV-2026-000002 in its reference is due with exactly that."


def test_several_numbers_pay_several_invoices_when_they_sum_to_it() -> None:
    found = only(transfer(300, "INV-2026-000001, INV-2026-000002"), [owed(1, 100), owed(2, 200), owed(3, 300)])
    assert (found.kind, found.ambiguous, numbers(found)) == (Kind.REFERENCE, False, [[1, 2]])


@pytest.mark.parametrize(("amount", "paid"), [(60, 60), (160, 100)])
def test_a_number_with_another_amount_is_proposed(amount: int, paid: int) -> None:
    """A mistyped number would take the money of the invoice that is due with exactly that (rule 24)."""
    found = only(transfer(amount, "INV-2026-000001"), [owed(1, 100), owed(2, amount)])
    assert (found.kind, found.ambiguous, numbers(found)) == (Kind.REFERENCE, True, [[1], [2]])
    assert found.candidates[0][0].amount == paid
    assert found.certain == ()
    assert "is due with 1.00 USD. The transfer is of" in found.reason


@pytest.mark.parametrize(("invoice", "fields", "why"), [
    (owed(1, 100, status="paid"), {}, "is paid"), (owed(1, 100, currency="EUR"), {}, "is due in EUR"),
    (owed(1, 100, "beta"), {"customer": "acme"}, "is not of customer acme"),
])
def test_a_number_that_cannot_be_meant_is_a_reason(invoice: Owed, fields: dict[str, str], why: str) -> None:
    """And no match: what else has the amount is proposed with it, never applied (rule 24)."""
    found = only(transfer(100, "INV-2026-000001", **fields), [invoice, owed(2, 100)])
    assert (found.kind, found.ambiguous, numbers(found)) == (Kind.AMOUNT, True, [[2]])
    assert why in found.reason


def test_a_number_of_no_invoice_hides_nothing() -> None:
    found = only(transfer(100, "INV-2026-000009"), [owed(1, 100), owed(2, 200)])
    assert (found.kind, found.ambiguous, numbers(found)) == (Kind.AMOUNT, False, [[1]])
    assert "INV-2026-000009 in its reference is no invoice's number." in found.reason


def test_one_invoice_with_exactly_the_amount() -> None:
    """Two of them are ambiguous (rule 24)."""
    invoices = [owed(1, 100), owed(2, 200), owed(3, 200), owed(4, 100, currency="EUR")]
    assert numbers(only(transfer(100), invoices)) == [[1]]
    two = only(transfer(200), invoices)
    assert (two.kind, two.ambiguous, numbers(two)) == (Kind.AMOUNT, True, [[2], [3]])
    assert two.reason == "2 open invoices have exactly its amount."


def test_whose_transfer_it_is_tells_the_invoice() -> None:
    """Named, or known by what its sender is called (rule 24)."""
    invoices = [owed(1, 100), owed(2, 100, "beta")]
    assert numbers(only(transfer(100, customer="beta"), invoices)) == [[2]]
    assert numbers(only(transfer(100, payers=("iban:x", "name:y")), invoices, {"name:y": "beta"})) == [[2]]
    assert only(transfer(200, customer="beta"), invoices).kind == Kind.NONE


def test_a_pair_is_one_customers() -> None:
    """Of two customers it may be chance: proposed alone, and not at all when there are several (rule 24)."""
    found = only(transfer(300), [owed(1, 100), owed(2, 200), owed(3, 50, "beta"), owed(4, 250, "gamma")])
    assert (found.kind, found.ambiguous, numbers(found)) == (Kind.PAIR, False, [[1, 2]])
    mixed = only(transfer(300), [owed(1, 100), owed(2, 200, "beta")])
    assert (mixed.kind, mixed.ambiguous, numbers(mixed)) == (Kind.PAIR, True, [[1, 2]])
    many = [owed(1, 100), owed(2, 200, "beta"), owed(3, 50), owed(4, 250, "beta")]
    assert only(transfer(300), many).kind == Kind.NONE


@pytest.mark.parametrize("dues", [(100, 200, 150, 150), (100, 200, 200), (150, 150, 150), (1, 299, 2, 298)])
def test_two_pairs_are_ambiguous(dues: Sequence[int]) -> None:
    found = only(transfer(300), [owed(number, due) for number, due in enumerate(dues, start=1)])
    assert (found.kind, found.ambiguous) == (Kind.PAIR, True)
    assert len(found.candidates) == (3 if dues == (150, 150, 150) else 2)


@pytest.mark.parametrize("dues", [(10, 20, 40), (10, 20, 40, 80), (10, 20, 40, 80, 160)])
def test_three_to_five_of_the_known_customers(dues: Sequence[int]) -> None:
    """Of a sender whom nobody knows none is looked for (rule 24)."""
    invoices = [*(owed(number, due) for number, due in enumerate(dues, start=1)), owed(9, 3, "beta")]
    found = only(transfer(sum(dues), customer="acme"), invoices)
    assert (found.kind, found.ambiguous, numbers(found)) == (Kind.SET, False, [list(range(1, len(dues) + 1))])
    unknown = only(transfer(sum(dues)), invoices)
    assert unknown.kind == Kind.NONE
    assert "its sender is unknown" in unknown.reason


def test_six_are_too_many_and_two_sets_ambiguous() -> None:
    dues = (1, 2, 4, 8, 16, 32)
    invoices = [owed(number, due) for number, due in enumerate(dues, start=1)]
    assert only(transfer(63, customer="acme"), invoices).kind == Kind.NONE
    two = only(transfer(100, customer="acme"), [owed(n, due) for n, due in enumerate((10, 25, 65, 31, 59), start=1)])
    assert (two.kind, two.ambiguous, sorted(numbers(two))) == (Kind.SET, True, [[1, 2, 3], [1, 4, 5]])


def test_where_sets_are_too_many_the_reason_says_so() -> None:
    invoices = [owed(number, 1_000 + number) for number in range(1, 80)]
    found = only(transfer(10**6, customer="acme"), invoices)
    assert found.kind == Kind.NONE
    assert "among at most 60 open invoices, and its customer has 79" in found.reason


def test_an_invoice_is_used_once() -> None:
    """Of one sender's two transfers that say the same, the first is used, and no other invoice for the second."""
    payers = ("name:acme",)
    first = transfer(100, "INV-2026-000001", "a", payers=payers)
    again = transfer(100, "INV-2026-000001", "b", payers=payers)
    one, other = reconcile([first, again], [owed(1, 100), owed(2, 100)], NOBODY)
    assert (one.ambiguous, numbers(one)) == (False, [[1]])
    assert (other.kind, other.ambiguous, numbers(other)) == (Kind.AMOUNT, True, [[2]])
    assert "was used for a" in other.reason


def test_of_two_senders_with_one_claim_neither_is_used() -> None:
    one, other = reconcile([
        transfer(100, id="a", payers=("name:a",)), transfer(100, id="b", payers=("name:b",)),
    ], [owed(1, 100)], NOBODY)
    assert [one.ambiguous, other.ambiguous] == [True, True]
    assert "another transfer, b." in one.reason
    same = reconcile([transfer(100, id="a"), transfer(100, id="b")], [owed(1, 100)], NOBODY)
    assert [each.kind for each in same] == [Kind.AMOUNT, Kind.NONE]
    assert [each.ambiguous for each in same] == [False, False]


def test_what_references_tell_of_senders_helps_the_others() -> None:
    """A transfer with a number teaches whose its account is; two customers of one account teach nothing."""
    invoices = [owed(1, 500), owed(2, 10), owed(3, 20), owed(4, 40), owed(5, 700, "beta")]
    taught = transfer(500, "INV-2026-000001", "a", payers=("iban:x",))
    three = transfer(70, id="b", payers=("iban:x",))
    assert numbers(reconcile([three, taught], invoices, NOBODY)[0]) == [[2, 3, 4]]
    beta = transfer(700, "INV-2026-000005", "c", payers=("iban:x",))
    assert reconcile([three, taught, beta], invoices, NOBODY)[0].kind == Kind.NONE


def test_a_foreign_amount_says_why() -> None:
    found = only(transfer(100, currency="EUR"), [owed(1, 100)])
    assert (found.kind, found.reason) == (Kind.NONE, "No open invoice is due in EUR.")


@pytest.mark.parametrize(("seed", "invoices", "transfers"), [
    *((seed, 300, 120) for seed in range(8)),
    *(pytest.param(seed, 5_000, 2_000, marks=pytest.mark.slow) for seed in (1, 2, 3)),
])
def test_every_clear_transfer_is_matched_and_none_wrongly(seed: int, invoices: int, transfers: int) -> None:
    """Against the truth of a generator that knows what each was for (rule 24)."""
    world = new_world(seed, invoices, transfers)
    found = reconcile([one.transfer for one in world.statement], world.invoices, world.payers)
    matched = {one.transfer: frozenset(part.invoice for part in one.certain) for one in found}
    wrong = [(one, matched[one.transfer.id]) for one in world.statement
             if matched[one.transfer.id] not in (frozenset(), one.truth)]
    missed = [(one, proposal.reason) for one, proposal in zip(world.statement, found, strict=True)
              if one.clear and matched[one.transfer.id] != one.truth]
    assert (wrong, missed) == ([], [])
    used = [invoice for answer in matched.values() for invoice in answer]
    assert len(used) == len(set(used))
    assert all(proposal.reason for proposal in found)
    assert {one.kind for one in world.statement} >= {"right", "several", "mistyped", "wrong", "amount", "pair", "set"}


def naive(amount: int, invoices: Sequence[Owed], customer: str | None) -> tuple[Kind, set[frozenset[str]]]:
    """The first kind that has an answer, and all its answers, by trying everything (rule 24)."""
    own = [one for one in invoices if customer in (None, one.customer)]
    for kind, sizes in ((Kind.AMOUNT, (1,)), (Kind.PAIR, (2,)), (Kind.SET, (3, 4, 5) if customer else ())):
        found = {
            frozenset(one.id for one in some) for size in sizes for some in combinations(own, size)
            if sum(one.due for one in some) == amount and len({one.customer for one in some}) == 1
        }
        if found:
            return kind, found
    return Kind.NONE, set()


@given(
    dues=st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["acme", "beta"])), max_size=9),
    amount=st.integers(1, 40), customer=st.sampled_from([None, "acme"]),
)
def test_one_transfer_agrees_with_trying_everything(
    dues: Sequence[tuple[int, str]], amount: int, customer: str | None
) -> None:
    """Without a reference: the kind, whether there are more answers, and each that is told (rule 24)."""
    invoices = [owed(number, due, of) for number, (due, of) in enumerate(dues, start=1)]
    kind, answers = naive(amount, invoices, customer)
    found = only(transfer(amount, customer=customer), invoices)
    told = {frozenset(part.invoice for part in answer) for answer in found.candidates}
    if kind == Kind.NONE:
        assert found.certain == ()  # at most a pair of two customers is proposed
    else:
        assert (found.kind, found.ambiguous, told <= answers) == (kind, len(answers) > 1, True)
        assert len(told) == min(len(answers), 5)
    assert all(sum(part.amount for part in answer) == amount for answer in found.candidates)
