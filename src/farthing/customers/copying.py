"""Moving the customer book from one store to another, as often as it takes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from farthing.customers.stores import Copy, CustomerRows, CustomerStore
from farthing.customers.values import CustomerKeyTaken, EmailTaken
from farthing.kernel.clock import ticks
from farthing.kernel.problems import Overtaken

T = TypeVar("T")
PAGE: Final = 200  # customers in one transaction
HELD_SECONDS: Final = 90.0  # that a page waits for others; MongoDB ends the transaction of one who was killed after 60
TAKEN: Final = (CustomerKeyTaken, EmailTaken)


@dataclass(slots=True)
class Copied:
    """What became of the customers of the source.

    left     those that the target had already in this version or a newer one
    refused  id and reason of those whose key or e-mail address another customer has in the target
    counts   by organisation: how many the source has, and the target
    """

    added: int = 0
    replaced: int = 0
    left: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether both stores have as many customers of every organisation."""
        return not self.refused and all(source == target for source, target in self.counts.values())


@dataclass(frozen=True, slots=True)
class _Patient:
    """A store that is written to however long what a kill left behind holds it; `held` is told of each wait once."""

    store: CustomerStore
    held: Callable[[], object]

    def write(self, work: Callable[[CustomerRows], T]) -> T:
        """Raises Overtaken after HELD_SECONDS."""
        began = ticks()
        try:
            return self.store.write(work)
        except Overtaken:
            self.held()
        while True:
            try:
                return self.store.write(work)
            except Overtaken:
                if ticks() - began > HELD_SECONDS:
                    raise

    def read(self) -> AbstractContextManager[CustomerRows]:
        return self.store.read()


def copy_book(
    source: CustomerStore, target: CustomerStore, progress: Callable[[int, int], object], held: Callable[[], object]
) -> Copied:
    """Bring all customers of all organisations, where the target has none or an older version of them.

    Each page is a transaction, so that what was copied before a kill is found and left the next time. What a kill
    left under way holds its page until the server ends it, and is waited for; raises Overtaken after HELD_SECONDS.
    progress  told how many were looked at, and of how many
    held      told when a page begins to wait
    """
    copied, patient = Copied(), _Patient(target, held)
    before = _counts(source)
    total, seen = sum(before.values()), 0
    for organization in sorted(before):
        waiting: list[Copy] = []
        for page in _pages(source, organization):
            waiting += _bring(patient, organization, page, copied)
            seen += len(page)
            progress(seen, total)
        _bring_waiting(patient, organization, waiting, copied)
    there = _counts(target)
    here = _counts(source)
    copied.counts = {one: (here.get(one, 0), there.get(one, 0)) for one in sorted({*here, *there})}
    return copied


def _counts(store: CustomerStore) -> Mapping[str, int]:
    with store.read() as rows:
        return rows.counts()


def _pages(source: CustomerStore, organization: str) -> Iterator[list[Copy]]:
    after = ""
    while True:
        with source.read() as rows:
            page = rows.copies(organization, after, PAGE)
        if not page:
            return
        yield page
        after = page[-1].customer.id


def _bring(target: CustomerStore, organization: str, page: Sequence[Copy], copied: Copied) -> list[Copy]:
    """One page at once, or each by itself where one cannot be; those whose key or e-mail address is taken come back."""
    try:
        added, replaced = target.write(lambda rows: _put(rows, organization, page))
    except TAKEN:
        if len(page) == 1:
            return list(page)
        return [one for copy in page for one in _bring(target, organization, [copy], copied)]
    copied.added += added
    copied.replaced += replaced
    copied.left += len(page) - added - replaced
    return []


def _bring_waiting(target: CustomerStore, organization: str, waiting: Sequence[Copy], copied: Copied) -> None:
    """Again, now that others may have given up what they wanted, until nobody gets on."""
    while waiting:
        still = [one for copy in waiting for one in _bring(target, organization, [copy], copied)]
        if len(still) == len(waiting):
            break
        waiting = still
    for copy in waiting:
        reason = "another customer of the target has its key or its e-mail address"
        copied.refused.append((copy.customer.id, reason))


def _put(rows: CustomerRows, organization: str, page: Sequence[Copy]) -> tuple[int, int]:
    """How many were new to the target, and how many newer."""
    known = rows.versions(organization, [copy.customer.id for copy in page])
    new = [copy for copy in page if copy.customer.id not in known]
    newer = [copy for copy in page if known.get(copy.customer.id, copy.customer.version) < copy.customer.version]
    if newer:
        rows.replace_with_copies(newer)
    if new:
        rows.add_copies(new)
    return len(new), len(newer)
