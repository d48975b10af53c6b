#!/bin/sh
# Makes what all servers of an installation share, each in a file of the folder that is named, and
# touches nothing that is there: the master key, the signing keys, and the database's password.
set -eu
umask 077
mkdir -p "$1"
cd "$1"

secret() {
    [ -e "$1" ] && return
    cat > "$1.part"
    chmod 0444 "$1.part" # containers read as users of their own; the folder lets nobody else in
    mv "$1.part" "$1"
}

private_key=$(openssl genpkey -algorithm ed25519)
openssl rand -base64 32 | secret PERSE_MASTER_KEY
printf '%s\n' "$private_key" | secret PERSE_TOKEN_SIGNING_KEYS
openssl rand -hex 24 | secret postgres_password
printf 'postgresql://perse:%s@db/perse\n' "$(cat postgres_password)" | secret PERSE_DATABASE_URL
