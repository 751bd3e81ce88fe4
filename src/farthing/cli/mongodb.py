"""`farthing doctor` on MongoDB."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from farthing.cli.finding import Finding

if TYPE_CHECKING:  # the driver is installed only where it is used
    from farthing.kernel.mongo import Mongo

LOST: Final = "or acknowledged writes can be lost"
ALONE: Final = "what is acknowledged lies on one machine's disk; take three members where that is not enough"


def mongodb_findings(mongo: "Mongo") -> Iterator[Finding]:
    """Version, members, storage, and the concerns that every call of ours has."""
    write, read = mongo.client.write_concern.document, mongo.client.read_concern.level
    with mongo.read():
        hello = mongo.client.admin.command("hello")
        persistent = mongo.storage_is_durable()
        yield Finding("mongodb", mongo.client.server_info()["version"])
    members = len(hello.get("hosts", ()))
    found = f"{hello.get('setName', 'sharded')}, {members} members with data"
    yield Finding("mongodb replica set", found, note=ALONE if members == 1 else None)
    durable = write.get("w") == "majority" and write.get("j") is True
    told = f"w: {write.get('w')}, j: {str(write.get('j')).lower()}"
    yield Finding("mongodb write concern", told, None if durable else f"it must be w: majority, j: true, {LOST}")
    yield Finding("mongodb read concern", str(read), None if read == "majority" else "it must be majority, or what is "
                  "read can be rolled back")
    if persistent is None:
        yield Finding("mongodb storage", "not told", note="the user may not ask: give it the role clusterMonitor")
    else:
        yield Finding("mongodb storage", "on disk" if persistent else "in memory",
                      None if persistent else f"the storage engine must keep its data on disk, {LOST}")
