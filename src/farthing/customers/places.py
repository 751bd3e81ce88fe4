"""Where the customer book lies: beside everything else, or in MongoDB; chosen by one URL."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from farthing.customers.store import SqlCustomerStore
from farthing.customers.stores import CustomerStore
from farthing.kernel.answers import Answers, SqlAnswers
from farthing.kernel.database import Database
from farthing.kernel.problems import Misconfigured
from farthing.usage.owed import OwedStore, SqlOwedNames

if TYPE_CHECKING:  # the driver is installed only where it is used
    from farthing.kernel.mongo import Mongo

SCHEMES: Final = ("mongodb://", "mongodb+srv://")


@dataclass(frozen=True, slots=True)
class CustomerPlace:
    """The stores that one transaction of the customer book spans.

    mongo  the server of a book in a place of its own; None beside everything else
    """

    store: CustomerStore
    owed: OwedStore
    answers: Answers
    mongo: "Mongo | None" = None

    def close(self) -> None:
        """Let go of the connections that are the book's own."""
        if self.mongo is not None:
            self.mongo.client.close()


def customer_place(url: str, database: Database) -> CustomerPlace:
    """Open (or make) the book that `url` names, or the one in the database; raises Misconfigured, Unavailable."""
    if not url:
        return CustomerPlace(SqlCustomerStore(database), SqlOwedNames(database), SqlAnswers(database))
    if not url.startswith(SCHEMES):
        raise Misconfigured("customers_url must begin with mongodb:// or mongodb+srv://, or be empty.")
    return mongo_place(url)


def mongo_place(url: str, setting: str = "customers_url") -> CustomerPlace:
    """The book in MongoDB, brought to this version's validators and indexes; raises Misconfigured, Unavailable."""
    try:
        from farthing.customers.owed_mongo import MongoOwedNames
        from farthing.customers.store_mongo import MongoCustomerStore
        from farthing.kernel.answers_mongo import MongoAnswers
        from farthing.kernel.mongo import open_mongo
    except ModuleNotFoundError as error:
        raise Misconfigured(f"{setting} needs a driver: pip install 'farthing[mongodb]'.") from error
    mongo = open_mongo(url, setting)
    store, owed, answers = MongoCustomerStore(mongo), MongoOwedNames(mongo), MongoAnswers(mongo)
    try:
        for each in (store, owed, answers):
            each.prepare()
    except BaseException:
        mongo.client.close()
        raise
    return CustomerPlace(store, owed, answers, mongo)
