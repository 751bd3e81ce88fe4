"""Plans over HTTP."""

from farthing.catalog.plans.schemas import PlanIn, PlanMigrationOut, PlanOut, PlanVersionIn, PlanVersionOut
from farthing.catalog.plans.service import Plans
from farthing.catalog.plans.versions import PlanVersions, Versioned
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, created, precondition, provided, shown

routes = Routes("plans")


@routes.post("/v1/plans", scope=Scope.WRITE, body=PlanIn, answer=PlanOut, status=201)
def create_plan(caller: Caller, body: PlanIn) -> Answer:
    """Add a plan with its first version."""
    plan = provided(Plans).create(caller, body)
    return created(PlanOut.of(plan), f"/v1/plans/{plan.id}")


@routes.get("/v1/plans", scope=Scope.READ, query=ListQuery, answer=PlanOut, paged=True)
def list_plans(caller: Caller, query: ListQuery) -> ListShown:
    """The plans, oldest first, each in its newest version."""
    place = listing("plans", caller.organization, query.limit, query.after)
    return shown(provided(Plans).page(caller, place), PlanOut.of)


@routes.get("/v1/plans/<reference>", scope=Scope.READ, answer=PlanOut)
def get_plan(caller: Caller, reference: str) -> PlanOut:
    """One plan, by id or key: its newest version, or the one that `key@2` names."""
    return PlanOut.of(provided(Plans).get(caller.organization, reference))


@routes.patch("/v1/plans/<reference>", scope=Scope.WRITE, answer=PlanOut)
def update_plan(caller: Caller, reference: str, patch: object) -> PlanOut:
    """Change the newest version by JSON merge patch, while nobody has subscribed to it."""
    return PlanOut.of(provided(Plans).update(caller, reference, patch, precondition()))


@routes.delete("/v1/plans/<reference>", scope=Scope.WRITE)
def delete_plan(caller: Caller, reference: str) -> None:
    """Remove a plan that nobody has ever subscribed to."""
    provided(Plans).delete(caller, reference, precondition())


@routes.post(
    "/v1/plans/<reference>/versions", scope=Scope.WRITE, body=PlanVersionIn, answer=PlanVersionOut, status=201
)
def create_plan_version(caller: Caller, reference: str, body: PlanVersionIn) -> Answer:
    """Make the next version, which new subscriptions get; those there are keep theirs unless `migrate` says when.

    With `dry_run` nothing is made, and the answer is 200.
    """
    versions = provided(PlanVersions)
    if body.dry_run:
        return Answer(_versioned(versions.tried(caller, reference, body)), 200)
    made = versions.create(caller, reference, body)
    return created(_versioned(made), f"/v1/plans/{made.plan.id}@{made.plan.version}")


@routes.get("/v1/plans/<reference>/versions", scope=Scope.READ, query=ListQuery, answer=PlanOut, paged=True)
def list_plan_versions(caller: Caller, reference: str, query: ListQuery) -> ListShown:
    """All versions of a plan, the first one first."""
    plan = provided(Plans).get(caller.organization, reference)
    place = listing(f"plans/{plan.id}/versions", caller.organization, query.limit, query.after)
    return shown(provided(Plans).versions(plan, place), PlanOut.of)


@routes.get("/v1/plans/<reference>/migrations", scope=Scope.READ, query=ListQuery, answer=PlanMigrationOut, paged=True)
def list_plan_migrations(caller: Caller, reference: str, query: ListQuery) -> ListShown:
    """The migrations of a plan's subscriptions to new versions, oldest first."""
    plan = provided(Plans).get(caller.organization, reference)
    place = listing(f"plans/{plan.id}/migrations", caller.organization, query.limit, query.after)
    return shown(provided(PlanVersions).migrations(caller, plan, place), PlanMigrationOut.of)


@routes.get("/v1/plans/<reference>/migrations/<migration>", scope=Scope.READ, answer=PlanMigrationOut)
def get_plan_migration(caller: Caller, reference: str, migration: str) -> PlanMigrationOut:
    """One migration: how far it has come, and whom it left as they are."""
    return PlanMigrationOut.of(provided(PlanVersions).migration(caller, reference, migration))


def _versioned(made: Versioned) -> PlanVersionOut:
    return PlanVersionOut.versioned(made.plan, made.migration, made.comparison)
