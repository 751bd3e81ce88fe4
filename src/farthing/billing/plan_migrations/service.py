"""The use cases of migrations to new versions of plans."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from farthing.billing.bill_runs.service import Background
from farthing.billing.bill_runs.values import COMPLETED, FAILED, QUEUED, RUNNING
from farthing.billing.plan_migrations.comparing import Comparing
from farthing.billing.plan_migrations.deciding import migrated
from farthing.billing.plan_migrations.store import PlanMigrationStore
from farthing.billing.subscriptions.accounts import hold_account
from farthing.billing.subscriptions.agreed import Plans, versions_of
from farthing.billing.subscriptions.changing import Changes
from farthing.billing.subscriptions.sharing import refuse_shared_meters
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription, SubscriptionEnded
from farthing.catalog import (
    ComparedSubscription,
    MigrationNotFound,
    NextVersion,
    NotMigrated,
    Plan,
    PlanMigration,
)
from farthing.kernel.audit import Actor, acting_as, current_actor
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database, again_if_stopped
from farthing.kernel.ids import NewId
from farthing.kernel.problems import Conflict, Invalid, Refusal

CHUNK: Final = 20  # subscriptions a transaction: few enough that other writers do not wait long
log = structlog.get_logger("farthing")


@dataclass(frozen=True, slots=True)
class NotedMigrations:
    """Keeps the notes of migrations, for the catalogue in its own transactions: the two share a database."""

    database: Database
    now: Clock
    new_id: NewId

    def note(self, plan: Plan, at: str) -> PlanMigration:
        """A migration that waits to be begun."""
        now = self.now(plan.organization)
        with self.database.write() as connection:
            total = SubscriptionStore(connection).count_on_plan(plan.organization, plan.id, plan.version)
            one = PlanMigration(
                id=self.new_id("mig", now), organization=plan.organization, plan=plan.id, plan_version=plan.version,
                at=at, status=QUEUED, done=0, total=total, migrated=0, refused=(), reached="", error=None, version=1,
                created_at=now, updated_at=now,
            )
            PlanMigrationStore(connection).add(one)
        return one

    def migration(self, organization: str, plan: str, migration: str) -> PlanMigration:
        """Raises MigrationNotFound."""
        with self.database.read() as connection:
            one = PlanMigrationStore(connection).find(organization, migration)
        if one is None or one.plan != plan:
            raise MigrationNotFound(migration)
        return one

    def migrations(self, organization: str, plan: str, after: str, limit: int) -> Sequence[PlanMigration]:
        """Those of a plan, oldest first."""
        with self.database.read() as connection:
            return PlanMigrationStore(connection).page(organization, plan, after, limit)


@dataclass(frozen=True, slots=True)
class PlanMigrations:
    """Changes subscriptions to a new version, a few in a transaction; each has its turn once, also after a crash."""

    database: Database
    now: Clock
    changes: Changes
    comparing: Comparing
    background: Background

    def begin_migration(self, organization: str, migration: str) -> None:
        """Go on with a migration in the background."""
        self.background(partial(self._finish_as, current_actor(), organization, migration))

    def compare_versions(self, organization: str, version: NextVersion, at: str) -> Sequence[ComparedSubscription]:
        """What migrating would change; nothing is stored. Raises TooManySubscriptions."""
        return self.comparing.compare(organization, version, at)

    def resume(self) -> None:
        """Go on with migrations that wait, or whose process went away."""
        with self.database.read() as connection:
            unfinished = PlanMigrationStore(connection).unfinished()
        for one in unfinished:
            self.background(partial(self._finish, one.organization, one.id))

    def _finish_as(self, actor: Actor, organization: str, migration: str) -> None:
        with acting_as(actor):
            self._finish(organization, migration)

    def _finish(self, organization: str, migration: str) -> None:
        try:
            while again_if_stopped(partial(self._step, organization, migration)):
                pass
        except Exception as error:
            log.exception("migration of a plan failed", migration=migration)
            said = error.detail if isinstance(error, Refusal) else f"{type(error).__name__}; the log tells more."
            with self.database.write() as connection:
                one = PlanMigrationStore(connection).find(organization, migration, lock=True)
                if one is not None and one.status != COMPLETED:
                    self._note(connection, replace(one, status=FAILED, error=said))

    def _step(self, organization: str, migration: str) -> bool:
        """Give the next few their turn; whether there may be more.

        The row tells where it stands and is held, so that of two processes each does other ones.
        """
        with self.database.write() as connection:
            one = PlanMigrationStore(connection).find(organization, migration, lock=True)
            if one is None or one.status in (COMPLETED, FAILED):
                return False
            found = self._held(connection, one)
            if not found:
                self._note(connection, replace(one, status=COMPLETED, done=one.total))
                return False
            one = self._migrated(connection, one, found)
            self._note(connection, one)
        return True

    def _held(self, connection: Connection, one: PlanMigration) -> list[Subscription]:
        """The next few in the order of their ids, held, with their customers' accounts before them."""
        store = SubscriptionStore(connection)
        ids = store.on_plan(one.organization, one.plan, one.plan_version, one.reached, CHUNK)
        for customer in sorted({each.customer for each in store.many(one.organization, ids).values()}):
            hold_account(connection, one.organization, customer)
        return [each for _, each in sorted(store.many(one.organization, ids, lock=True).items())]

    def _migrated(self, connection: Connection, one: PlanMigration, found: Sequence[Subscription]) -> PlanMigration:
        wanted = one.plan, one.plan_version
        plans = self.changes.catalog.plans(one.organization, versions_of(found) | {wanted})
        count, refused = 0, list(one.refused)
        for current in found:
            try:
                count += self._changed(connection, current, plans[wanted], one.at, plans)
            except SubscriptionEnded:
                continue
            except (Conflict, Invalid) as refusal:
                refused.append(NotMigrated(current.id, refusal.detail))
        return replace(
            one, status=RUNNING, done=min(one.done + len(found), one.total), migrated=one.migrated + count,
            refused=tuple(refused), reached=found[-1].id,
        )

    def _changed(self, connection: Connection, current: Subscription, plan: Plan, at: str, plans: Plans) -> bool:
        """Change one as a call would; everything that may be refused is, before anything is written."""
        now = self.now(current.organization)
        decided = migrated(current, plan, at, plans, now)
        if decided.subscription is current:
            return False
        refuse_shared_meters(connection, self.changes.catalog, decided.subscription, decided.day)
        self.changes.keep(connection, current, decided.subscription, now)
        return True

    def _note(self, connection: Connection, one: PlanMigration) -> None:
        now = self.now(one.organization)
        PlanMigrationStore(connection).save(replace(one, version=one.version + 1, updated_at=now))
