#!/bin/sh
# Make the random secrets that compose.yaml reads, once: what is there already stays as it is.
#   deploy/secrets.sh [FOLDER]
# The folder is for its owner alone; the files in it can be read by the users that the containers run as.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder/services"
chmod 700 "$folder"
chmod 755 "$folder/services"

random() { # 256 bits in hexadecimal, which needs no escaping in a URL
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

make() { # NAME TEXT: whole or not at all, and never again
    if [ ! -e "$folder/$1" ]; then
        printf '%s\n' "$2" >"$folder/$1.new"
        chmod 444 "$folder/$1.new"
        mv "$folder/$1.new" "$folder/$1"
    fi
}

make postgres_password "$(random)"
for database in identity usage books; do
    make "${database}_database_url" "postgresql://$database:$(random)@postgres:5432/$database"
done
make mongodb_root_password "$(random)"
make mongodb_key "$(random)"
make customers_url "mongodb://customers:$(random)@mongodb:27017/customers?replicaSet=rs0"
make cache_url "redis://:$(random)@redis:6379/0"
for service in customers catalog usage billing payments; do
    make "services/$service" "$(random)"
done
