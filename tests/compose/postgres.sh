#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# As the entry point of the official image does: an empty data directory becomes a server with this user,
# password and database; then the server, under its own user.
set -euo pipefail

as_postgres() {
	setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
}

chown postgres:postgres "$PGDATA"
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	install -o postgres -m 600 "$POSTGRES_PASSWORD_FILE" /tmp/password
	as_postgres initdb -D "$PGDATA" --username "$POSTGRES_USER" --pwfile /tmp/password \
		--auth-local trust --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8 --no-instructions
	rm /tmp/password
	echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
	as_postgres pg_ctl -D "$PGDATA" -w -o '-c listen_addresses=' start
	as_postgres createdb --username "$POSTGRES_USER" "$POSTGRES_DB" || [ "$POSTGRES_DB" = postgres ]
	for script in /docker-entrypoint-initdb.d/*.sh; do
		as_postgres sh "$script"
	done
	as_postgres pg_ctl -D "$PGDATA" -w stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@" -c 'listen_addresses=*'
