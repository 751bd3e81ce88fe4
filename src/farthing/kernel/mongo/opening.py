"""Opening MongoDB: a client that keeps its promises, and collections of this version's form."""

from collections.abc import Mapping
from typing import Final

from pymongo import MongoClient
from pymongo.errors import CollectionInvalid, ConfigurationError, InvalidURI, OperationFailure
from pymongo.operations import IndexModel

from farthing.kernel.mongo.work import Document, Mongo
from farthing.kernel.problems import Misconfigured

CONNECT_MS: Final = 2_000
LOOK_MS: Final = 2_000  # between two looks at which member writes; and the wait for one where nothing else limits it
EXISTS: Final = 48  # what a server says of a collection that another one has made meanwhile


def open_mongo(url: str, setting: str = "customers_url") -> Mongo:
    """The database that `url` names, or `farthing` when it names none; raises Misconfigured, DocumentStoreAway.

    setting  where the URL came from, for what is told when it cannot be right
    """
    try:
        client: MongoClient[Document] = MongoClient(
            url, w="majority", journal=True, readConcernLevel="majority", readPreference="primary",
            retryWrites=True, retryReads=True, connectTimeoutMS=CONNECT_MS, heartbeatFrequencyMS=LOOK_MS,
            serverSelectionTimeoutMS=LOOK_MS, maxPoolSize=64, appname="farthing",
        )
        database = client.get_default_database("farthing")
    except (InvalidURI, ConfigurationError, ValueError, TypeError) as error:
        example = "mongodb://user:password@host/name?replicaSet=rs0"
        raise Misconfigured(f"{setting} cannot be read: {error}; it must look like {example}.") from error
    mongo = Mongo(client, database)
    try:
        _demand_replica_set(mongo, setting)
    except BaseException:
        client.close()
        raise
    return mongo


def _demand_replica_set(mongo: Mongo, setting: str) -> None:
    with mongo.read():
        told = mongo.client.admin.command("hello")
    if "setName" not in told and told.get("msg") != "isdbgrid":
        raise Misconfigured(
            f"{setting} names a MongoDB server that stands alone, and transactions need a replica set: start mongod "
            "with --replSet rs0, also where it is the only one, and run rs.initiate() once."
        )


def prepare(mongo: Mongo, name: str, validator: Mapping[str, object], indexes: list[IndexModel]) -> None:
    """Bring a collection to this version's validator and indexes; raises DocumentStoreAway.

    What is there already as it should be is left alone, so that every start may ask.
    """
    with mongo.read():
        try:
            mongo.database.create_collection(name, validator=dict(validator))
        except (CollectionInvalid, OperationFailure) as error:  # another one who starts may be making it now
            if isinstance(error, OperationFailure) and error.code != EXISTS:
                raise
        if mongo[name].options().get("validator") != dict(validator):
            mongo.database.command("collMod", name, validator=dict(validator))
        mongo[name].create_indexes(indexes)
