"""Bank transactions over HTTP."""

from flask import request

from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.web import Answer, ListShown, Routes, json_body, provided, shown
from farthing.payments.bank_transactions.schemas import BODIES, BankTransactionOut, BankTransactionQuery, ImportedOut
from farthing.payments.bank_transactions.service import BankTransactions
from farthing.payments.bank_transactions.statements import JSON, MOST_BYTES, sent_csv, sent_json

routes = Routes("bank-transactions")


@routes.post(
    "/v1/bank-transactions", scope=Scope.WRITE, answer=ImportedOut, raw=BODIES, status=201, most_bytes=MOST_BYTES
)
def take_bank_transactions(caller: Caller) -> Answer:
    """Take in a bank's statement, as JSON or CSV; the same one again adds nothing."""
    raw = request.mimetype != JSON
    sent = sent_csv(request.mimetype, request.get_data()) if raw else sent_json(json_body())
    done = provided(BankTransactions).take(caller, sent)
    return Answer(ImportedOut.of(done), 201 if done.accepted else 200, (("Location", "/v1/bank-transactions"),))


@routes.get(
    "/v1/bank-transactions", scope=Scope.READ, query=BankTransactionQuery, answer=BankTransactionOut, paged=True
)
def list_bank_transactions(caller: Caller, query: BankTransactionQuery) -> ListShown:
    """The transfers in the order they were stored."""
    place = listing("bank-transactions", caller.organization, query.limit, query.after)
    page = provided(BankTransactions).page(caller.organization, query.status, place)
    return shown(page, BankTransactionOut.of)


@routes.get("/v1/bank-transactions/<transaction>", scope=Scope.READ, answer=BankTransactionOut)
def get_bank_transaction(caller: Caller, transaction: str) -> BankTransactionOut:
    """One transfer."""
    return BankTransactionOut.of(provided(BankTransactions).get(caller.organization, transaction))
