"""Names that usage has still to be told of, beside the customers in MongoDB; see `OwedStore`."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.collection import Collection as Documents

from farthing.kernel.mongo import Document, Mongo, prepare
from farthing.usage.owed import Owed

OWED: Final = "owed_names"
TEXT: Final = {"bsonType": "string"}
MAYBE_TEXT: Final = {"bsonType": ["string", "null"]}
PROPERTIES: Final[Mapping[str, object]] = {
    **dict.fromkeys(("_id", "organization", "act", "customer"), TEXT),
    **dict.fromkeys(("subscription", "held_by"), MAYBE_TEXT),
    "number": {"bsonType": "long"},
    "names": {"bsonType": "array", "items": TEXT},
}
VALIDATOR: Final = {"$jsonSchema": {
    "bsonType": "object", "required": sorted(PROPERTIES), "additionalProperties": False, "properties": PROPERTIES,
}}
ORDER: Final = [("number", ASCENDING), ("_id", ASCENDING)]
INDEXES: Final = [IndexModel([("organization", ASCENDING), *ORDER], name="owed_names_in_order")]


@dataclass(frozen=True, slots=True)
class MongoOwedNames:
    """One document for each; those of one document alone are changed without a transaction."""

    mongo: Mongo

    def add(self, owed: Owed) -> None:
        document = asdict(owed) | {"names": list(owed.names), "number": Int64(owed.number)}
        document["_id"] = document.pop("token")
        self._documents.insert_one(document, session=self.mongo.session)

    def last_number(self, organization: str) -> int:
        newest = self._documents.find_one(
            {"organization": organization}, sort=[("number", DESCENDING)], session=self.mongo.session
        )
        return 0 if newest is None else int(newest["number"])

    def after_commit(self, action: Callable[[], object]) -> None:
        self.mongo.after_commit(action)

    def first(self, organization: str) -> Owed | None:
        with self.mongo.read():
            found = self._documents.find_one({"organization": organization}, sort=ORDER)
        if found is None:
            return None
        token = found.pop("_id")
        return Owed(**found | {"token": token, "number": int(found["number"]), "names": tuple(found["names"])})

    def hold(self, owed: Owed, holder: str) -> bool:
        unchanged = {"_id": owed.token, "held_by": owed.held_by}
        with self.mongo.read():
            return self._documents.update_one(unchanged, {"$set": {"held_by": holder}}).matched_count == 1

    def let_go(self, owed: Owed) -> None:
        with self.mongo.read():
            self._documents.update_one({"_id": owed.token}, {"$set": {"held_by": None}})

    def remove(self, owed: Owed) -> None:
        with self.mongo.read():
            self._documents.delete_one({"_id": owed.token})

    def organizations(self) -> list[str]:
        with self.mongo.read():
            return list(self._documents.distinct("organization"))

    def prepare(self) -> None:
        """Make or mend the collection's validator and indexes."""
        prepare(self.mongo, OWED, VALIDATOR, INDEXES)

    @property
    def _documents(self) -> Documents[Document]:
        return self.mongo[OWED]
