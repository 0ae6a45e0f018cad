#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Applies the migrations of /schema that the database does not have yet, in order, each in one
# transaction; two of these at once wait for each other. Where the database is: PGHOST, PGUSER, PGDATABASE
# and what else libpq knows. Secrets are files: MOOT_OWNER_PASSWORD_FILE of PGUSER; with
# MOOT_APP_PASSWORD_FILE the role moot_app, which the processes use, is made, or given this password.
set -eu

if [ -n "${MOOT_OWNER_PASSWORD_FILE:-}" ]; then
	read -r PGPASSWORD <"$MOOT_OWNER_PASSWORD_FILE" || [ -n "$PGPASSWORD" ]
	export PGPASSWORD
fi
if [ -n "${MOOT_APP_PASSWORD_FILE:-}" ]; then
	read -r APP_PASSWORD <"$MOOT_APP_PASSWORD_FILE" || [ -n "$APP_PASSWORD" ]
	export APP_PASSWORD
fi

statements() {
	echo "select pg_advisory_lock(hashtext('moothall schema')) \\g /dev/null"
	if [ -n "${APP_PASSWORD:-}" ]; then
		printf '%s\n' '\getenv password APP_PASSWORD' \
			"select format('%s role moot_app login password %L', case when exists" \
			"  (select from pg_roles where rolname = 'moot_app') then 'alter' else 'create' end, :'password') \\gexec"
	fi
	echo "create table if not exists schema_migration
		(name text primary key, applied_at timestamptz not null default now());"
	for file in "${MOOT_SCHEMA:-/schema}"/*.sql; do
		name=${file##*/}
		printf '%s\n' "select not exists (select from schema_migration where name = '$name') as missing \\gset" \
			'\if :missing' "\\echo applying $name" 'begin;' "\\i $file" \
			"insert into schema_migration (name) values ('$name');" 'commit;' '\endif'
	done
	printf '%s\n' '\echo the schema is up to date'
}

export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"
statements | psql -X -q -v ON_ERROR_STOP=1
