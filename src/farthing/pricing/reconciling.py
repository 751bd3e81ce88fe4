"""Which open invoices transfers pay (rule 24): all of a statement at once, so that no invoice is used twice.

The kinds are tried in their order, each over all transfers that the one before left. So what an invoice number says
goes before what an amount suggests, whichever transfer stands first. Nothing here depends on anything but its input.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from farthing.pricing.matching import MOST_IN_SETS, find_pair, pairs, some_sets
from farthing.pricing.references import numbers_in
from farthing.pricing.statement import Found, Shelf, Statement
from farthing.pricing.transfers import OPEN, Answer, Kind, Owed, Proposal, Transfer, listed, parts, told

SHOWN: Final = 5  # answers of one kind that are looked for: more would help nobody


Search = Callable[[Statement, Transfer], Found]


def reconcile(
    transfers: Sequence[Transfer], invoices: Sequence[Owed], payers: Mapping[str, str]
) -> list[Proposal]:
    """A proposal for each transfer, in their order (rule 24).

    transfers  in the order in which they came; amounts above zero
    invoices   all open ones, and any other that a reference may name
    payers     the customer behind each name of a sender that is known
    """
    statement = Statement(transfers, {one.number: one for one in invoices}, dict(payers))
    _decide(statement, Kind.REFERENCE, _by_reference)
    _learn(statement)
    for kind, search in SEARCHES:
        statement.sort()
        _decide(statement, kind, search)
    for transfer in statement.waiting():
        _propose(statement, transfer, Kind.NONE, Found(reason=_nothing(statement, transfer)))
    return [statement.proposals[one.id] for one in transfers]


def _decide(statement: Statement, kind: Kind, search: Search) -> None:
    """Propose what a search finds; of those who have one answer and share an invoice, none is right by itself."""
    found = {one: search(statement, one) for one in statement.waiting()}
    sure = {
        one: each.answers[0] for one, each in found.items()
        if len(each.answers) == 1 and not each.doubt and one.id not in statement.doubts
    }
    wanted: dict[str, list[Transfer]] = {}
    for transfer, answer in sure.items():
        for invoice in answer:
            wanted.setdefault(invoice.id, []).append(transfer)
    for transfer, each in found.items():
        rivals = [one for invoice in sure.get(transfer, ()) for one in wanted[invoice.id] if one is not transfer]
        if not each.answers:
            continue
        if any(_differs(sure, transfer, one) for one in rivals):
            others = listed(sorted({one.id for one in rivals}))
            each = Found(each.answers, each.reason, f"so it is for another transfer, {others}")
        elif transfer in sure and (first := statement.taken.get(sure[transfer][0].id)):
            paid = _numbers(sure[transfer])
            _doubt(statement, transfer, f"one like it, {first}, came before and was used for {paid}")
            continue
        _propose(statement, transfer, kind, each)


def _differs(sure: Mapping[Transfer, Answer], one: Transfer, other: Transfer) -> bool:
    """Whether it matters which of two transfers is used; of one sender's two for the same, the first is."""
    return one.sender != other.sender or set(sure[one]) != set(sure[other])


def _propose(statement: Statement, transfer: Transfer, kind: Kind, found: Found) -> None:
    """Note what was found; a single answer that nothing speaks against takes its invoices."""
    doubt = found.doubt or statement.doubts.get(transfer.id, "")
    ambiguous = len(found.answers) > 1 or bool(doubt and found.answers)
    told_why = [found.reason, doubt, *statement.notes.get(transfer.id, ())]
    sentences = (f"{one[0].upper()}{one[1:]}." for one in dict.fromkeys(told_why) if one)
    candidates = tuple(parts(transfer, answer) for answer in found.answers)
    statement.proposals[transfer.id] = Proposal(transfer.id, kind, ambiguous, " ".join(sentences), candidates)
    if found.answers and not ambiguous:
        statement.taken |= {one.id: transfer.id for one in found.answers[0]}


def _doubt(statement: Statement, transfer: Transfer, why: str) -> None:
    statement.doubts.setdefault(transfer.id, why)


def _named(statement: Statement, transfer: Transfer) -> Iterator[tuple[str, Owed | None, str]]:
    """The numbers in its reference: each with its invoice, and why that cannot be paid by it, "" where it can."""
    customer = statement.customer_of(transfer)
    for number in numbers_in(transfer.reference):
        one = statement.invoices.get(number)
        if one is None:
            yield number, None, "is no invoice's number"
        elif one.status != OPEN:
            yield number, one, f"is {one.status}"
        elif one.currency != transfer.currency:
            yield number, one, f"is due in {one.currency}"
        elif customer is not None and one.customer != customer:
            yield number, one, f"is not of customer {customer}, whom it is known to come from"
        elif one.id in statement.taken:
            yield number, one, f"was used for {statement.taken[one.id]}"
        else:
            yield number, one, ""


def _by_reference(statement: Statement, transfer: Transfer) -> Found:
    """The invoices whose numbers it names, where they are due with exactly its amount (rule 24)."""
    answer = tuple(one for _, one, why in _named(statement, transfer) if one is not None and not why)
    if not answer or sum(one.due for one in answer) != transfer.amount:
        return Found()
    together = "is due with exactly that" if len(answer) == 1 else "are due with exactly that together"
    return Found([answer], f"{listed([one.number for one in answer])} in its reference {together}")


def _learn(statement: Statement) -> None:
    """Whose money a reference told says who its sender is, for the other transfers of this statement."""
    customers = {one.number: one.customer for one in statement.invoices.values()}
    told_by: dict[str, set[str]] = {}
    for transfer in statement.transfers:
        proposal = statement.proposals.get(transfer.id)
        for part in proposal.certain if proposal else ():
            for payer in transfer.payers:
                told_by.setdefault(payer, set()).add(customers[part.number])
    for payer, of in told_by.items():
        of |= {statement.payers[payer]} if payer in statement.payers else set()
        if len(of) == 1:
            statement.payers[payer] = of.pop()
        else:
            statement.payers.pop(payer, None)


def _named_with_another_amount(statement: Statement, transfer: Transfer) -> Found:
    """The invoices whose numbers it names where they are due with something else, and those that have its amount.

    A number may be mistyped, and the amount be another invoice's by chance, so a person has to say (rule 24)
    """
    named = list(_named(statement, transfer))
    _note(statement, transfer, named)
    answer = tuple(one for _, one, why in named if one is not None and not why)
    if not answer:
        return Found()
    due = told(sum(one.due for one in answer), transfer.currency)
    reason = f"{_numbers(answer)} in its reference {'is' if len(answer) == 1 else 'are together'} due with {due}"
    doubt = f"the transfer is of {told(transfer.amount, transfer.currency)}"
    return Found([answer, *_exact(statement, transfer)], reason, doubt)


def _by_amount(statement: Statement, transfer: Transfer) -> Found:
    """One open invoice with exactly its amount (rule 24)."""
    exact = _exact(statement, transfer)
    if len(exact) > 1:
        return Found(exact, f"{_so_many(exact)} open invoices have exactly its amount")
    if not exact:
        return Found()
    return Found(exact, f"{_numbers(exact[0])} is the only open invoice{_of(statement, transfer)} with its amount")


def _exact(statement: Statement, transfer: Transfer) -> list[Answer]:
    shelf = statement.shelf(transfer)
    start = bisect_left(shelf.dues, transfer.amount)
    return [(one,) for one in shelf.owed[start : start + SHOWN] if one.due == transfer.amount]


def _note(statement: Statement, transfer: Transfer, named: Sequence[tuple[str, Owed | None, str]]) -> None:
    """Keep what its numbers say for its reason; an invoice that they name and cannot mean leaves a doubt."""
    for number, one, why in named:
        if why:
            statement.notes.setdefault(transfer.id, []).append(f"{number} in its reference {why}")
        if one is not None and why and (one.customer == statement.customer_of(transfer) or _fits(one, transfer)
                                        or statement.customer_of(transfer) is None):
            _doubt(statement, transfer, "its reference names another invoice")


def _fits(one: Owed, transfer: Transfer) -> bool:
    return (one.due, one.currency) == (transfer.amount, transfer.currency)


def _by_pair(statement: Statement, transfer: Transfer) -> Found:
    """Two open invoices of one customer that sum to it (rule 24); of two customers, only proposed."""
    shelf = statement.shelf(transfer)
    if find_pair(shelf.dues, transfer.amount) is None:
        return Found()
    shelves = [shelf] if statement.customer_of(transfer) else [
        each for (code, _), each in statement.of_customers.items()
        if code == transfer.currency and sum(each.dues[-2:]) >= transfer.amount
    ]
    all_pairs = (
        (each.owed[low], each.owed[high]) for each in shelves for low, high in pairs(each.dues, transfer.amount)
    )
    found = list(islice(all_pairs, SHOWN))
    if not found:
        return _mixed(shelf, transfer)
    if len(found) > 1:
        return Found(found, f"{_so_many(found)} pairs of open invoices sum to it")
    of = _of(statement, transfer) or " of one customer"
    return Found(found, f"{_numbers(found[0])} are the only two open invoices{of} that sum to it")


def _mixed(shelf: Shelf, transfer: Transfer) -> Found:
    """The only pair of all, where it is of two customers: one of many is chance, and even the only one may be."""
    some = list(islice(pairs(shelf.dues, transfer.amount), 2))
    if len(some) > 1:
        return Found()
    answer = tuple(shelf.owed[index] for index in some[0])
    reason = f"{_numbers(answer)} are the only two open invoices that sum to it"
    return Found([answer], reason, "they are of two customers")


def _by_set(statement: Statement, transfer: Transfer) -> Found:
    """Three to five open invoices of the customer it is known to come from (rule 24)."""
    if statement.customer_of(transfer) is None:
        return Found()
    shelf = statement.shelf(transfer)
    if (many := bisect_left(shelf.dues, transfer.amount)) > MOST_IN_SETS:
        why = f"sets are looked for among at most {MOST_IN_SETS} open invoices, and its customer has {many}"
        statement.notes.setdefault(transfer.id, []).append(why)
        return Found()
    found = [
        tuple(shelf.owed[index] for index in one) for one in some_sets(shelf.dues, transfer.amount, SHOWN)
    ]
    if len(found) > 1:
        return Found(found, f"{_so_many(found)} sets of its customer's open invoices sum to it")
    if not found:
        return Found()
    return Found(found, f"{_numbers(found[0])} are the only three to five open invoices of its customer that sum to it")


SEARCHES: Final[Sequence[tuple[Kind, Search]]] = (
    (Kind.REFERENCE, _named_with_another_amount), (Kind.AMOUNT, _by_amount), (Kind.PAIR, _by_pair), (Kind.SET, _by_set),
)


def _nothing(statement: Statement, transfer: Transfer) -> str:
    if transfer.currency not in statement.shelves:
        return f"no open invoice is due in {transfer.currency}"
    amount = told(transfer.amount, transfer.currency)
    if statement.customer_of(transfer) is not None:
        return f"no open invoices{_of(statement, transfer)} come to {amount}"
    return f"no open invoice or pair of one customer's comes to {amount}, and its sender is unknown"


def _of(statement: Statement, transfer: Transfer) -> str:
    customer = statement.customer_of(transfer)
    return f" of customer {customer}, whom it is known to come from," if customer else ""


def _numbers(answer: Answer) -> str:
    return listed([one.number for one in answer])


def _so_many(answers: Sequence[Answer]) -> str:
    return f"at least {SHOWN}" if len(answers) == SHOWN else str(len(answers))
