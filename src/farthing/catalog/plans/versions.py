"""The use cases of new versions of plans, with the subscriptions that shall change to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from farthing.catalog.plans.migrating import (
    ComparedSubscription,
    Migrating,
    MigrationNotes,
    NextVersion,
    PlanMigration,
)
from farthing.catalog.plans.schemas import PlanVersionIn
from farthing.catalog.plans.service import Plans
from farthing.catalog.plans.values import Plan
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import Unavailable

log = structlog.get_logger("farthing")


@dataclass(frozen=True, slots=True)
class Versioned:
    """A version that was made, with the migration to it; or one that was tried, with what it would change."""

    plan: Plan
    migration: PlanMigration | None = None
    comparison: Sequence[ComparedSubscription] | None = None


@dataclass(frozen=True, slots=True)
class PlanVersions:
    """Makes versions; billing carries the migrations out, wherever it runs."""

    database: Database
    plans: Plans
    notes: MigrationNotes
    migrating: Migrating

    def create(self, caller: Caller, reference: str, body: PlanVersionIn) -> Versioned:
        """The next version, and a note of who shall change to it, together; billing begins once both are kept.

        raises  PlanNotFound, NotTheNewestVersion, Invalid
        """
        with self.database.write():
            plan = self.plans.create_version(caller, reference, body)
            if body.migrate == "none":
                return Versioned(plan)
            migration = self.notes.note(plan, body.migrate)
            self.database.after_commit(partial(self._begin, migration))
        return Versioned(plan, migration)

    def tried(self, caller: Caller, reference: str, body: PlanVersionIn) -> Versioned:
        """What the next version would be and change; nothing is stored.

        raises  PlanNotFound, NotTheNewestVersion, Invalid, TooManySubscriptions
        """
        plan = self.plans.tried_version(caller, reference, body)
        if body.migrate == "none":
            return Versioned(plan, comparison=())
        compared = self.migrating.compare_versions(caller.organization, NextVersion.of(plan), body.migrate)
        return Versioned(plan, comparison=compared)

    def migration(self, caller: Caller, reference: str, migration: str) -> PlanMigration:
        """Raises PlanNotFound, MigrationNotFound."""
        plan = self.plans.get(caller.organization, reference)
        return self.notes.migration(caller.organization, plan.id, migration)

    def migrations(self, caller: Caller, plan: Plan, listing: Listing) -> Page[PlanMigration]:
        """Those of a plan, oldest first."""
        rows = self.notes.migrations(caller.organization, plan.id, listing.position, listing.limit + 1)
        return listing.page(rows, lambda one: one.id)

    def _begin(self, migration: PlanMigration) -> None:
        try:
            self.migrating.begin_migration(migration.organization, migration.id)
        except Unavailable as error:  # billing looks for what is noted by itself
            log.warning("a migration waits for billing", migration=migration.id, reason=error.detail)
