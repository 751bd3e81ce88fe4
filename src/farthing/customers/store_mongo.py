"""Customers in MongoDB.

A document keeps every digit and every microsecond: instants are whole microseconds since 1970 (a BSON date ends at
milliseconds), and what is the caller's own JSON is kept as text (its names may hold `.` and `$`).
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as Documents

from farthing.customers.stores import Copy, CustomerRows, folded
from farthing.customers.values import Change, Customer, CustomerKeyTaken, EmailTaken, Search
from farthing.kernel.columns import EPOCH, MICROSECOND
from farthing.kernel.ids import is_id
from farthing.kernel.mongo import Document, Mongo, prepare, refusing
from farthing.kernel.problems import Overtaken

T = TypeVar("T")
CUSTOMERS: Final = "customers"
JSON: Final = ("address", "tax_ids", "metadata")
INSTANTS: Final = ("created_at", "updated_at")
FIELDS: Final = frozenset(Customer.__dataclass_fields__)
LAST: Final = "\U0010ffff"  # of all characters
TEXT: Final = {"bsonType": "string"}
MAYBE_TEXT: Final = {"bsonType": ["string", "null"]}
NUMBER: Final = {"bsonType": "long"}
PROPERTIES: Final[Mapping[str, object]] = {
    **dict.fromkeys(("_id", "organization", "name", "currency", "timezone", "tax_ids", "tax_treatment"), TEXT),
    **dict.fromkeys(("metadata", "folded_name"), TEXT),
    **dict.fromkeys(("key", "email", "address", "tax_reason", "buyer_reference"), MAYBE_TEXT),
    **dict.fromkeys(("folded_key", "folded_email", "email_claim"), MAYBE_TEXT),
    **dict.fromkeys(("payment_terms_days", "version", *INSTANTS), NUMBER),
    "changing": {
        "bsonType": ["object", "null"], "required": ["token", "since"], "additionalProperties": False,
        "properties": {"token": TEXT, "since": NUMBER},
    },
}
VALIDATOR: Final = {"$jsonSchema": {
    "bsonType": "object", "required": sorted(PROPERTIES), "additionalProperties": False, "properties": PROPERTIES,
}}


def _index(name: str, *fields: str, unique: bool = False) -> IndexModel:
    """An index of an organisation's customers; a unique one passes over those that lack the field.

    It says so by `$gt`, not by `$type`: only from that does the planner see that a key asked for is in the index.
    """
    keys = [("organization", ASCENDING), *((field, ASCENDING) for field in fields)]
    there = {"partialFilterExpression": {fields[-1]: {"$gt": ""}}} if unique else {}
    return IndexModel(keys, name=name, unique=unique, **there)


INDEXES: Final = [
    _index("customers_key", "key", unique=True),
    _index("customers_email", "email_claim", unique=True),
    _index("customers_of_organization", "_id"),
    _index("customers_by_name", "folded_name"),
    _index("customers_by_email", "folded_email"),
    _index("customers_by_key", "folded_key"),
]


@dataclass(frozen=True, slots=True)
class MongoCustomerStore:
    """Customers in a database of their own; a unit of work of theirs is a transaction of MongoDB."""

    mongo: Mongo

    def write(self, work: Callable[[CustomerRows], T]) -> T:
        return self.mongo.write(lambda: work(MongoCustomerRows(self.mongo)))

    @contextmanager
    def read(self) -> Iterator[CustomerRows]:
        with self.mongo.read():
            yield MongoCustomerRows(self.mongo)

    def prepare(self) -> None:
        """Make or mend the collection's validator and indexes."""
        prepare(self.mongo, CUSTOMERS, VALIDATOR, INDEXES)


@dataclass(frozen=True, slots=True)
class MongoCustomerRows:
    """See `CustomerRows`."""

    mongo: Mongo

    def add(self, customer: Customer, unique_email: bool) -> None:
        with _naming(customer):
            self._documents.insert_one(_document(customer, unique_email), session=self._session)

    def save(self, customer: Customer, unique_email: bool, change: Change | None = None) -> None:
        before = _is(customer, customer.version - 1, change)
        document = _document(customer, unique_email)
        with _naming(customer):
            _one(self._documents.replace_one(before, document, session=self._session).matched_count)

    def remove(self, customer: Customer, change: Change | None = None) -> None:
        same = _is(customer, customer.version, change)
        _one(self._documents.delete_one(same, session=self._session).deleted_count)

    def begin_change(self, customer: Customer, change: Change) -> None:
        mark = {"$set": {"changing": {"token": change.token, "since": _micros(change.since)}}}
        same = _is(customer, customer.version, None)
        _one(self._documents.update_one(same, mark, session=self._session).matched_count)

    def end_change(self, organization: str, id: str, change: Change) -> None:
        same = {"_id": id, "organization": organization, "changing.token": change.token}
        self._documents.update_one(same, {"$set": {"changing": None}}, session=self._session)

    def find(self, organization: str, reference: str) -> Customer | None:
        found = self.current(organization, reference)
        return None if found is None else found[0]

    def current(self, organization: str, reference: str, lock: bool = False) -> tuple[Customer, Change | None] | None:
        name = "_id" if is_id(reference, "cus") else "key"
        document = self._documents.find_one({"organization": organization, name: reference}, session=self._session)
        if document is None:
            return None
        mark = document["changing"]
        return _value(document), None if mark is None else Change(mark["token"], _instant(mark["since"]))

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        found = self._found({"organization": organization, "_id": {"$in": list(ids)}})
        return {customer.id: customer for customer in found}

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        ids = [reference for reference in references if is_id(reference, "cus")]
        keys = [reference for reference in references if not is_id(reference, "cus")]
        either = [{"_id": {"$in": ids}}, {"key": {"$in": keys}}]
        wanted = frozenset(references)
        found = self._found({"organization": organization, "$or": either})
        return {name: one for one in found for name in (one.id, one.key) if name in wanted}

    def page(self, organization: str, search: Search, after: str, limit: int) -> list[Customer]:
        wanted: Document = {"organization": organization, "_id": {"$gt": after}} | _conditions(search)
        found = self._documents.find(wanted, session=self._session).sort("_id", ASCENDING).limit(limit)
        return [_value(document) for document in found]

    def counts(self) -> Mapping[str, int]:
        each = [{"$group": {"_id": "$organization", "count": {"$sum": 1}}}]
        return {one["_id"]: int(one["count"]) for one in self._documents.aggregate(each, session=self._session)}

    def copies(self, organization: str, after: str, limit: int) -> list[Copy]:
        wanted = {"organization": organization, "_id": {"$gt": after}}
        found = self._documents.find(wanted, session=self._session).sort("_id", ASCENDING).limit(limit)
        return [Copy(_value(document), document["email_claim"] is not None) for document in found]

    def versions(self, organization: str, ids: Collection[str]) -> Mapping[str, int]:
        wanted = {"organization": organization, "_id": {"$in": list(ids)}}
        found = self._documents.find(wanted, {"version": 1}, session=self._session)
        return {document["_id"]: int(document["version"]) for document in found}

    def add_copies(self, copies: Sequence[Copy]) -> None:
        documents = [_document(copy.customer, copy.claims_email) for copy in copies]
        with _naming(copies[0].customer):
            self._documents.insert_many(documents, session=self._session)

    def replace_with_copies(self, copies: Sequence[Copy]) -> None:
        documents = [_document(copy.customer, copy.claims_email) for copy in copies]
        changes = [ReplaceOne(_older(one), one) for one in documents]
        with _naming(copies[0].customer):
            self._documents.bulk_write(changes, session=self._session)

    @property
    def _documents(self) -> Documents[Document]:
        return self.mongo[CUSTOMERS]

    @property
    def _session(self) -> ClientSession | None:
        return self.mongo.session

    def _found(self, wanted: Document) -> list[Customer]:
        return [_value(document) for document in self._documents.find(wanted, session=self._session)]


@contextmanager
def _naming(customer: Customer) -> Iterator[None]:
    """Raises CustomerKeyTaken, EmailTaken for what this customer may not have."""
    with refusing("customers_key", CustomerKeyTaken(customer.key)):
        with refusing("customers_email", EmailTaken(customer.email)):
            yield


def _is(customer: Customer, version: int, change: Change | None) -> Document:
    """This version of a customer, with this change on."""
    mark = {"changing": None} if change is None else {"changing.token": change.token}
    return {"_id": customer.id, "organization": customer.organization, "version": Int64(version)} | mark


def _older(document: Document) -> Document:
    """The same customer in a version before this one."""
    same = {"_id": document["_id"], "organization": document["organization"]}
    return same | {"version": {"$lt": document["version"]}}


def _one(met: int) -> None:
    """Raises Overtaken unless the call met its document."""
    if met != 1:
        raise Overtaken


def _conditions(search: Search) -> Document:
    conditions: Document = {}
    if search.prefix is not None:
        between = beginning_with(search.prefix.casefold())
        conditions["$or"] = [{name: between} for name in ("folded_name", "folded_email", "folded_key")]
    if search.email is not None:
        conditions["folded_email"] = search.email.casefold()
    if search.created_after is not None:
        conditions["created_at"] = {"$gt": _micros(search.created_after)}
    return conditions


def beginning_with(prefix: str) -> dict[str, str]:
    """The range of all texts that begin so, as an index reads it: never a pattern of the caller's."""
    rest = prefix.rstrip(LAST)
    if not rest:
        return {"$gte": prefix}
    following = ord(rest[-1]) + 1
    after = "\ue000" if following == 0xD800 else chr(following)  # between the two are no characters
    return {"$gte": prefix, "$lt": rest[:-1] + after}


def _document(customer: Customer, unique_email: bool) -> Document:
    fields: Document = asdict(customer) | folded(customer, unique_email) | {"changing": None}
    fields["_id"] = fields.pop("id")
    for name in JSON:
        value = fields[name]
        fields[name] = None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for name in INSTANTS:
        fields[name] = _micros(fields[name])
    for name in ("payment_terms_days", "version"):
        fields[name] = Int64(fields[name])
    return fields


def _value(document: Document) -> Customer:
    fields: Document = {name: value for name, value in document.items() if name in FIELDS}
    for name in JSON:
        fields[name] = None if document[name] is None else json.loads(document[name])
    for name in INSTANTS:
        fields[name] = _instant(document[name])
    for name in ("payment_terms_days", "version"):
        fields[name] = int(document[name])
    return Customer(**{**fields, "id": document["_id"], "tax_ids": tuple(fields["tax_ids"])})


def _micros(instant: datetime) -> Int64:
    return Int64((instant - EPOCH) // MICROSECOND)


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
