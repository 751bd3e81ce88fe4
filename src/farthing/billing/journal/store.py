"""Rows of the journal: added, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from farthing.billing.journal.models import journal_entries, journal_postings, journal_releases
from farthing.billing.journal.values import DueRelease, JournalEntry
from farthing.kernel.clock import instant_text
from farthing.kernel.sealing import to_be_sealed
from farthing.kernel.strict_json import dumps
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Account, Posting

entry_table, release_table = journal_entries.c, journal_releases.c
LOG: Final = "journal"  # its name among the logs that are sealed
Row = dict[str, Any]  # Any: a row's columns


@dataclass(frozen=True, slots=True)
class JournalStore:
    connection: Connection

    def add(self, entries: Sequence[JournalEntry]) -> None:
        """The database refuses what has been written before."""
        if entries:
            self.connection.execute(insert(journal_entries), [_entry_row(one) for one in entries])
            rows = [row for one in entries for row in _posting_rows(one)]
            self.connection.execute(insert(journal_postings), rows)
            to_be_sealed(self.connection, LOG, ((one.organization, one.id) for one in entries))

    def of_invoice(self, organization: str, invoice: str) -> list[JournalEntry]:
        """All that was written about an invoice, in order."""
        mine = (entry_table.organization == organization) & (entry_table.invoice == invoice)
        rows = self.connection.execute(select(journal_entries).where(mine).order_by(entry_table.id))
        return self._complete(rows.mappings().all())

    def page(
        self, organization: str, since: date | None, before: date | None, after: tuple[str, str], limit: int
    ) -> list[JournalEntry]:
        """By accounting day and age, after the given day and id; `before` is not in."""
        day, id = after
        wanted = [
            entry_table.organization == organization, entry_table.day >= day,
            (entry_table.day > day) | (entry_table.id > id),
        ]
        wanted += [] if since is None else [entry_table.day >= since.isoformat()]
        wanted += [] if before is None else [entry_table.day < before.isoformat()]
        query = select(journal_entries).where(*wanted).order_by(entry_table.day, entry_table.id).limit(limit)
        return self._complete(self.connection.execute(query).mappings().all())

    def many(self, organization: str, ids: Sequence[str]) -> Mapping[str, JournalEntry]:
        """By id; those that are not there are missing."""
        mine = (entry_table.organization == organization) & entry_table.id.in_(list(ids))
        rows = self.connection.execute(select(journal_entries).where(mine)).mappings().all()
        return {one.id: one for one in self._complete(rows)}

    def defer(self, later: Sequence[DueRelease]) -> None:
        """Note what is to be released, month by month."""
        if later:
            self.connection.execute(insert(journal_releases), [_release_row(one) for one in later])

    def due(self, organization: str, now: datetime, limit: int) -> list[DueRelease]:
        """What is to be released by now and is not yet, held; the longest due first."""
        mine = (release_table.organization == organization) & release_table.entry.is_(None)
        order = (release_table.due_at, release_table.invoice)
        query = select(journal_releases).where(mine, release_table.due_at <= now).order_by(*order).limit(limit)
        return [_release(row) for row in self.connection.execute(query.with_for_update()).mappings()]

    def next_release(self, organization: str, after: datetime, until: datetime) -> datetime | None:
        """The first moment in this stretch, its begin left out, at which something is to be released."""
        mine = (release_table.organization == organization) & release_table.entry.is_(None)
        ahead = (release_table.due_at > after) & (release_table.due_at <= until)
        return self.connection.execute(select(func.min(release_table.due_at)).where(mine, ahead)).scalar()

    def waiting(self) -> list[tuple[str, datetime]]:
        """Organisations with something to release, and since when the first of it is due."""
        first = func.min(release_table.due_at)
        query = select(release_table.organization, first).where(release_table.entry.is_(None))
        rows = self.connection.execute(query.group_by(release_table.organization))
        return [(organization, due_at) for organization, due_at in rows]

    def mark(self, done: Mapping[tuple[str, str, date], str]) -> None:
        """Releases, by organisation, invoice and last day, and the entry that each became."""
        if done:
            own = (release_table.organization == bindparam("own_organization")) & (
                release_table.invoice == bindparam("own_invoice")
            ) & (release_table.last_day == bindparam("own_day"))
            change = update(journal_releases).where(own).values(entry=bindparam("became"))
            self.connection.execute(change, [
                {"own_organization": organization, "own_invoice": invoice, "own_day": day.isoformat(), "became": entry}
                for (organization, invoice, day), entry in done.items()
            ])

    def releases_of(self, organization: str, invoice: str) -> tuple[dict[date, DueRelease], set[date]]:
        """What an invoice has still to release, held, by last day; and the days up to which it was released."""
        mine = (release_table.organization == organization) & (release_table.invoice == invoice)
        rows = self.connection.execute(select(journal_releases).where(mine).with_for_update()).mappings().all()
        waiting = [_release(row) for row in rows if row["entry"] is None]
        done = {date.fromisoformat(row["last_day"]) for row in rows if row["entry"] is not None}
        return {one.last_day: one for one in waiting}, done

    def change_releases(self, organization: str, invoice: str, changed: Sequence[DueRelease]) -> None:
        """What an invoice has to release in some months from now on; nothing: not at all."""
        mine = (release_table.organization == organization) & (release_table.invoice == invoice)
        days = [one.last_day.isoformat() for one in changed]
        if days:
            waiting = release_table.entry.is_(None) & release_table.last_day.in_(days)
            self.connection.execute(delete(journal_releases).where(mine, waiting))
            self.defer([one for one in changed if one.amount])

    def drop_releases(self, organization: str, invoice: str) -> None:
        """Forget what an invoice would still have released."""
        mine = (release_table.organization == organization) & (release_table.invoice == invoice)
        self.connection.execute(delete(journal_releases).where(mine, release_table.entry.is_(None)))

    def _complete(self, rows: Sequence[RowMapping]) -> list[JournalEntry]:
        """The entries of these rows, with all their postings in one question."""
        found = {row["id"]: _entry(row) for row in rows}
        postings: dict[str, list[Posting]] = {id: [] for id in found}
        query = select(journal_postings).where(journal_postings.c.entry.in_(list(found)))
        order = (journal_postings.c.entry, journal_postings.c.position)
        for row in self.connection.execute(query.order_by(*order)).mappings():
            unit = currency(found[row["entry"]].currency)
            postings[row["entry"]].append(
                Posting(Account(row["debit"]), Account(row["credit"]), from_minor(row["amount"], unit))
            )
        return [replace(one, postings=tuple(postings[id])) for id, one in found.items()]


def contents(connection: Connection, organization: str, ids: Sequence[str]) -> Mapping[str, bytes]:
    """What entries are sealed as: all their columns and postings, by id."""
    found = JournalStore(connection).many(organization, ids)
    return {id: dumps(_content(one)) for id, one in found.items()}


def _content(one: JournalEntry) -> Row:
    postings = [[row["debit"], row["credit"], row["amount"]] for row in _posting_rows(one)]
    return _entry_row(one) | {"recorded_at": instant_text(one.recorded_at), "postings": postings}


def _entry_row(one: JournalEntry) -> Row:
    same = ("id", "organization", "source", "kind", "customer", "invoice", "payment", "currency", "recorded_at")
    return {name: getattr(one, name) for name in same} | {"day": one.day.isoformat()}


def _posting_rows(one: JournalEntry) -> list[Row]:
    unit = currency(one.currency)
    return [
        {
            "organization": one.organization, "entry": one.id, "position": number, "debit": each.debit.value,
            "credit": each.credit.value, "amount": to_minor(each.amount, unit),
        }
        for number, each in enumerate(one.postings)
    ]


def _entry(row: RowMapping) -> JournalEntry:
    return JournalEntry(**{**row, "day": date.fromisoformat(row["day"])})


def _release_row(one: DueRelease) -> Row:
    return {
        "organization": one.organization, "invoice": one.invoice, "last_day": one.last_day.isoformat(),
        "customer": one.customer, "currency": one.currency, "due_at": one.due_at, "entry": None,
        "amount": to_minor(one.amount, currency(one.currency)),
    }


def _release(row: RowMapping) -> DueRelease:
    return DueRelease(
        row["organization"], row["invoice"], date.fromisoformat(row["last_day"]), row["customer"], row["currency"],
        from_minor(row["amount"], currency(row["currency"])), row["due_at"],
    )
