"""`farthing simulate`: a company that is random but repeatable, and sound in the end."""

import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from farthing.app import Farthing
from farthing.identity.api_keys.service import ApiKeys
from farthing.kernel.credentials import Scope, operator
from farthing.simulation.kinds import KINDS
from farthing.simulation.running import Simulated, simulate
from tests.service.conftest import Api
from tests.service.test_journal_export import BALANCES, BEAN_CHECK, export

pytestmark = pytest.mark.together
OURS_TO_GET_RIGHT = ("invalid", "malformed-request", "not-found")  # refusals of a body that says what it may not


def mistakes(found: Simulated) -> list[str]:
    """What the simulation itself said wrongly; of a change, what is wrong depends on those that are yet to come."""
    return [why for why in found.refused if why.endswith(OURS_TO_GET_RIGHT) and not why.startswith("change_")]


def broken(found: Simulated) -> list[str]:
    return [f"{one.check.name}: {each.row}: {each.problem}" for one in found.verified for each in one.broken]


def due_by_currency(api: Api) -> dict[str, Decimal]:
    due: dict[str, Decimal] = defaultdict(Decimal)
    for one in api.every("/v1/invoices?status=open"):
        due[one["currency"]] += Decimal(one["amount_due"])
    return {code: amount for code, amount in due.items() if amount}


def told_by_beancount(api: Api, folder: Path) -> dict[tuple[str, str], Decimal]:
    """How each account stands in each currency, as Beancount adds up the journal that it has accepted."""
    place = folder / "journal.beancount"
    place.write_text(export(api, "?format=beancount"), "utf-8")
    done = subprocess.run([BEAN_CHECK, str(place)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    text = subprocess.run([sys.executable, "-c", BALANCES, str(place)], capture_output=True, text=True, check=True)
    return {(account, code): Decimal(number) for account, number, code in map(str.split, text.stdout.splitlines())}


def test_a_short_simulation_is_sound_and_repeatable(farthing: Farthing, api: Api, tmp_path: Path) -> None:
    """The journal stands at what the interface says, for Beancount too; the same seed brings the same again."""
    first = simulate(farthing, seed=7, months=3, customers=8)
    assert broken(first) == []
    assert mistakes(first) == []
    _, secret = farthing[ApiKeys].create(operator(first.organization), [Scope.ADMIN])
    sandbox = Api(farthing, api.client, first.organization, secret, api.clock)
    told = told_by_beancount(sandbox, tmp_path)
    receivables = {code: amount for (account, code), amount in told.items() if account == "Assets:Receivables"}
    assert receivables == due_by_currency(sandbox)
    assert {one.currency: one.due for one in first.sums if one.due} == receivables
    again = simulate(farthing, seed=7, months=3, customers=8)
    assert (again.digest, again.sums, again.done, again.refused) == (
        first.digest, first.sums, first.done, first.refused,
    )
    assert again.organization != first.organization


def test_another_seed_is_another_company(farthing: Farthing) -> None:
    one, other = (simulate(farthing, seed=seed, months=1, customers=3) for seed in (1, 2))
    assert one.digest != other.digest
    assert broken(one) == broken(other) == []


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
def test_half_a_year_is_sound_and_leaves_nothing_out(farthing: Farthing) -> None:
    """Every kind of happening that there is comes about; `farthing simulate` does it for as long as one likes."""
    found = simulate(farthing, seed=8, months=6, customers=20)
    assert broken(found) == []
    assert mistakes(found) == []
    refused = {why.partition(":")[0] for why in found.refused}
    assert KINDS.keys() - found.done.keys() - refused <= {"look", "top_up", "void"}  # which are counted by their parts
