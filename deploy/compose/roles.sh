#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The role that the processes use. The image of PostgreSQL runs this once, when it makes the database.
set -eu

psql -q -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
	-v password="$(cat /run/secrets/app_password)" <<'END'
create role moot_app login password :'password';
END
