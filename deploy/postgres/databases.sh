#!/bin/bash
# A role and a database of its own for each service that needs one, from the URL the service is given.
# Run once by the PostgreSQL image, on an empty volume.
set -euo pipefail
for name in identity usage books; do
    url=$(cat "${SECRETS:-/run/secrets}/${name}_database_url")
    rest=${url#postgresql://"$name":}
    password=${rest%%@*}
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
        --set "name=$name" --set "password=$password" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8';
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
