"""The answers to retried requests, kept in the transaction of MongoDB that does their work."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure

from farthing.kernel.answers import WAIT_SECONDS, AnswerRows, Kept, StillRunning
from farthing.kernel.clock import ticks
from farthing.kernel.columns import EPOCH, MICROSECOND
from farthing.kernel.mongo import Document, Mongo, prepare

T = TypeVar("T")
ANSWERS: Final = "idempotent_answers"
LONGEST_PAUSE: Final = 0.05  # seconds between two looks at a request that is still running
TEXT: Final = {"bsonType": "string"}
NUMBER: Final = {"bsonType": "long"}
PROPERTIES: Final[Mapping[str, object]] = {
    "_id": {
        "bsonType": "object", "required": ["organization", "key"], "additionalProperties": False,
        "properties": {"organization": TEXT, "key": TEXT},
    },
    "organization": TEXT, "fingerprint": TEXT, "status": NUMBER, "headers": TEXT, "body": TEXT, "created_at": NUMBER,
}
VALIDATOR: Final = {"$jsonSchema": {
    "bsonType": "object", "required": sorted(PROPERTIES), "additionalProperties": False, "properties": PROPERTIES,
}}
INDEXES: Final = [IndexModel([("organization", ASCENDING), ("created_at", ASCENDING)], name="idempotent_answers_age")]


@dataclass(frozen=True, slots=True)
class MongoAnswers:
    """Answers beside the documents of their work."""

    mongo: Mongo

    def write(self, work: Callable[[AnswerRows], T]) -> T:
        deadline = ticks() + WAIT_SECONDS
        while True:
            try:
                return self.mongo.write(lambda: work(MongoAnswerRows(self.mongo)))
            except _Claimed as error:  # MongoDB lets nobody wait for the other's transaction to end
                if ticks() > deadline:
                    raise StillRunning from error
            time.sleep(random.uniform(0, LONGEST_PAUSE))

    def prepare(self) -> None:
        """Make or mend the collection's validator and indexes."""
        prepare(self.mongo, ANSWERS, VALIDATOR, INDEXES)


class _Claimed(Exception):
    """Another request holds the key at this moment."""


@dataclass(frozen=True, slots=True)
class MongoAnswerRows:
    """See `AnswerRows`."""

    mongo: Mongo

    def forget(self, organization: str, before: datetime) -> None:
        old = {"organization": organization, "created_at": {"$lt": _micros(before)}}
        self.mongo[ANSWERS].delete_many(old, session=self.mongo.session)

    def find(self, organization: str, key: str) -> Kept | None:
        found = self.mongo[ANSWERS].find_one(_named(organization, key), session=self.mongo.session)
        if found is None:
            return None
        return Kept(found["fingerprint"], int(found["status"]), found["headers"], found["body"])

    def claim(self, organization: str, key: str, fingerprint: str, now: datetime) -> None:
        document = _named(organization, key) | {
            "organization": organization, "fingerprint": fingerprint, "created_at": _micros(now),
            "status": Int64(0), "headers": "[]", "body": "",
        }
        try:
            self.mongo[ANSWERS].insert_one(document, session=self.mongo.session)
        except DuplicateKeyError as error:
            raise _Claimed from error
        except OperationFailure as error:
            if error.has_error_label("TransientTransactionError"):
                raise _Claimed from error
            raise

    def keep(self, organization: str, key: str, kept: Kept) -> None:
        values = {"status": Int64(kept.status), "headers": kept.headers, "body": kept.body}
        self.mongo[ANSWERS].update_one(
            _named(organization, key), {"$set": values}, session=self.mongo.session
        )


def _named(organization: str, key: str) -> Document:
    return {"_id": {"organization": organization, "key": key}}


def _micros(instant: datetime) -> Int64:
    return Int64((instant - EPOCH) // MICROSECOND)
