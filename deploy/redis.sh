#!/bin/sh
# Redis as a cache only: nothing is kept on disk, the oldest entries go first, and the password comes from the secret.
set -eu
url=$(cat "${SECRETS:-/run/secrets}/cache_url")
rest=${url#redis://:}
exec redis-server - <<CONFIG
port ${PORT:-6379}
protected-mode no
requirepass ${rest%%@*}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
CONFIG
