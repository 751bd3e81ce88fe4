"""The chains of hashes: a log that was altered since it was sealed is found out."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from farthing.app import Farthing
from farthing.billing.journal.models import journal_entries
from farthing.billing.journal.store import LOG
from farthing.kernel import audit
from farthing.kernel.audit.models import audit_log
from farthing.kernel.sealing import Contents, Sealing
from farthing.kernel.sealing.models import chains, seals, unsealed
from farthing.kernel.sealing.store import Seal, SealStore, sealed
from farthing.verification.values import Broken, organizations_in

PAGE = 500
LOGS = {LOG: journal_entries, audit.LOG: audit_log}


def sealed_logs(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """Each log is as it was sealed: every record, their order, and that none is missing at the end."""
    with farthing.database.read() as connection:
        for log, contents in farthing[Sealing].logs.items():
            for organization in organizations_in(connection, chains, organizations):
                yield from _of(connection, log, organization, contents)
            for organization in organizations_in(connection, LOGS[log], organizations):
                yield from _forgotten(connection, log, organization)


def _of(connection: Connection, log: str, organization: str, contents: Contents) -> Iterator[Broken]:
    store = SealStore(connection)
    last = Seal(0, "", "0" * 64)
    for page in store.pages(log, organization, PAGE):
        found = contents(connection, organization, [one.record for one in page])
        for one in page:
            expected = sealed(last.hash, last.number + 1, one.record, found.get(one.record, b""))
            if one.number != expected.number:
                yield Broken(organization, one.record, f"seal {expected.number} of the {log} is missing before it")
            elif one.record not in found:
                yield Broken(organization, one.record, f"was sealed into the {log} and is not there")
            elif one.hash != expected.hash:
                yield Broken(organization, one.record, f"is not what was sealed into the {log} as number {one.number}")
            last = one
    head = store.head(log, organization)
    if (head.number, head.hash) != (last.number, last.hash):
        yield Broken(organization, log, f"the chain ends at {last.number}, it was sealed up to {head.number}")


def _forgotten(connection: Connection, log: str, organization: str) -> Iterator[Broken]:
    """Records that are neither sealed nor waiting to be."""
    record = LOGS[log].c
    query = (
        select(record.id)
        .outerjoin(seals, (seals.c.log == log) & (seals.c.record == record.id))
        .outerjoin(unsealed, (unsealed.c.log == log) & (unsealed.c.organization == record.organization)
                   & (unsealed.c.record == record.id))
        .where(record.organization == organization, seals.c.record.is_(None), unsealed.c.record.is_(None))
    )
    for id in connection.execute(query).scalars():
        yield Broken(organization, id, f"is in the {log} and was never sealed, nor waits to be")
