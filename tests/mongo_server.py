"""A MongoDB for tests: SecantusDB, in a process of its own; `python tests/mongo_server.py FOLDER [PORT]`.

It speaks MongoDB's protocol over a socket and is nothing else to Farthing: no other file imports it.
"""

import sys
import threading

from secantus import SecantusDBServer


def main() -> None:
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = SecantusDBServer(storage_path=sys.argv[1], port=port, sync_on_commit=True, ttl_sweep_seconds=2)
    server.start()
    sys.stdout.write(f"{server.uri}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
