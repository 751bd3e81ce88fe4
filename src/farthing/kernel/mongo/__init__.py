"""MongoDB: units of work, what goes wrong, and how it is opened. Needs its driver."""

from farthing.kernel.mongo.errors import DocumentStoreAway, OutcomeUnknown, refusing
from farthing.kernel.mongo.opening import open_mongo, prepare
from farthing.kernel.mongo.work import Document, Mongo

__all__ = ["Document", "DocumentStoreAway", "Mongo", "OutcomeUnknown", "open_mongo", "prepare", "refusing"]
