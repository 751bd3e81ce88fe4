#!/bin/bash
# mongod takes its key only from a file that nobody else can read; a secret is mounted readable.
set -euo pipefail
umask 377
rm -f /tmp/key
cat /run/secrets/mongodb_key >/tmp/key
umask 77
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /tmp/key --bind_ip_all --wiredTigerCacheSizeGB 0.5
