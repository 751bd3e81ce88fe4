"""Wallets over HTTP."""

from farthing.billing.wallets.schemas import TopUpIn, TopUpOut, WalletIn, WalletOut, WalletQuery
from farthing.billing.wallets.service import Wallets
from farthing.billing.wallets.values import Wallet
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, created, precondition, provided, shown

routes = Routes("wallets")


@routes.post("/v1/wallets", scope=Scope.WRITE, body=WalletIn, answer=WalletOut, status=201)
def create_wallet(caller: Caller, body: WalletIn) -> Answer:
    """Make a wallet, empty at first, in the customer's currency."""
    wallet = provided(Wallets).create(caller, body)
    return created(_shown(caller, wallet), f"/v1/wallets/{wallet.id}")


@routes.get("/v1/wallets", scope=Scope.READ, query=WalletQuery, answer=WalletOut, paged=True)
def list_wallets(caller: Caller, query: WalletQuery) -> ListShown:
    """The wallets, oldest first, each with what can be used of it."""
    service = provided(Wallets)
    page = service.page(caller, query.customer, listing("wallets", caller.organization, query.limit, query.after))
    keys, filled = service.customer_keys(caller, page.data), service.filled(caller, page.data)
    now = service.now(caller.organization)
    return shown(page, lambda one: WalletOut.of(one, keys.get(one.customer), filled.get(one.id, ()), now))


@routes.get("/v1/wallets/<wallet>", scope=Scope.READ, answer=WalletOut)
def get_wallet(caller: Caller, wallet: str) -> WalletOut:
    """One wallet, and what can be used of it."""
    return _shown(caller, provided(Wallets).get(caller.organization, wallet))


@routes.delete("/v1/wallets/<wallet>", scope=Scope.WRITE)
def delete_wallet(caller: Caller, wallet: str) -> None:
    """Drop a wallet that never had a top-up."""
    provided(Wallets).delete(caller, wallet, precondition())


@routes.post("/v1/wallets/<wallet>/top-ups", scope=Scope.WRITE, body=TopUpIn, answer=TopUpOut, status=201)
def create_top_up(caller: Caller, wallet: str, body: TopUpIn) -> Answer:
    """Add paid or granted credit to a wallet; the next invoices take it."""
    service = provided(Wallets)
    top_up = service.top_up(caller, wallet, body)
    made = TopUpOut.of(top_up, service.now(caller.organization))
    return created(made, f"/v1/wallets/{top_up.wallet}/top-ups/{top_up.id}")


@routes.get("/v1/wallets/<wallet>/top-ups", scope=Scope.READ, query=ListQuery, answer=TopUpOut, paged=True)
def list_top_ups(caller: Caller, wallet: str, query: ListQuery) -> ListShown:
    """The top-ups of a wallet, oldest first, also those that are used up or have expired."""
    service = provided(Wallets)
    place = listing(f"wallets/{wallet}/top-ups", caller.organization, query.limit, query.after)
    now = service.now(caller.organization)
    return shown(service.top_ups(caller, wallet, place), lambda one: TopUpOut.of(one, now))


@routes.get("/v1/wallets/<wallet>/top-ups/<top_up>", scope=Scope.READ, answer=TopUpOut)
def get_top_up(caller: Caller, wallet: str, top_up: str) -> TopUpOut:
    """One top-up, and what remains of it."""
    service = provided(Wallets)
    return TopUpOut.of(service.one_top_up(caller, wallet, top_up), service.now(caller.organization))


def _shown(caller: Caller, wallet: Wallet) -> WalletOut:
    service = provided(Wallets)
    keys, filled = service.customer_keys(caller, [wallet]), service.filled(caller, [wallet])
    now = service.now(caller.organization)
    return WalletOut.of(wallet, keys.get(wallet.customer), filled.get(wallet.id, ()), now)
