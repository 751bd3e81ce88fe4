"""A MongoDB for tests: SecantusDB, in a process of its own; `mongo_server.py FOLDER PORT SET SECONDS`.

SET is the name of its replica set, empty for a server that stands alone; SECONDS how long a transaction may take.
It speaks MongoDB's protocol over a socket and is nothing else to Farthing: no other file imports it.
"""

import sys
import threading

from secantus import SecantusDBServer


def main() -> None:
    folder, port, replica_set, seconds = sys.argv[1:]
    server = SecantusDBServer(
        storage_path=folder, port=int(port), replica_set_name=replica_set or None, sync_on_commit=True,
        transaction_lifetime_seconds=float(seconds),
    )
    server.start()
    sys.stdout.write(f"{server.uri}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
