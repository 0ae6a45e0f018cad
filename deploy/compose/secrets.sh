#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The secrets of deploy/compose.yaml, made up where they are missing: secrets.sh [FOLDER]. Compose shows a
# file to a container as it is, and the processes are not root: others may read the files, so only you
# may enter the folder.
set -eu

folder=${1:-$(dirname "$0")/../secrets}
mkdir -p "$folder"
chmod 700 "$folder"

password() {
	[ -s "$folder/$1" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/$1"
}

password owner_password
password app_password
password grafana_password
printf 'postgresql://moot:%s@postgres:5432/moot' "$(cat "$folder/owner_password")" >"$folder/owner_url"
printf 'postgresql://moot_app:%s@postgres:5432/moot' "$(cat "$folder/app_password")" >"$folder/database_url"
chmod 444 "$folder"/*
