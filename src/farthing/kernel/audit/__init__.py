"""The audit log: who changed what, before and after, in the transaction that did it; rows are only ever added."""

from farthing.kernel.audit.acting import Actor, acting_as, current_actor
from farthing.kernel.audit.log import AuditLog
from farthing.kernel.audit.store import LOG, AuditStore, contents

__all__ = ["LOG", "Actor", "AuditLog", "AuditStore", "acting_as", "contents", "current_actor"]
