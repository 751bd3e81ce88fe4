"""Whether the service of this container is ready: exit status 0 or 1, for health checks; needs no curl."""

import http.client
import os
import sys

SECONDS = 2.5


def ready(port: int) -> bool:
    """Whether `/readyz` on this machine answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready(int(os.environ.get("FARTHING_PORT", "8000"))) else 1)
