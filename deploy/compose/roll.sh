#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# roll.sh roomd|gateway [COMPOSE OPTIONS]: every container of this service is replaced by a new one, of the
# image that there is now, one after the other: a new one first, ready, then the old one leaves in order.
# Nobody's connection is lost with a shard; a gateway sends its clients to the others, a few at a time.
set -eu

service=$1
shift
file=$(dirname "$0")/../compose.yaml

compose() {
	if command -v docker-compose >/dev/null; then
		docker-compose -f "$file" "$@"
	else
		docker compose -f "$file" "$@"
	fi
}

# Not what Docker calls healthy, which is to live: it must serve before another one goes.
await_ready() {
	tries=120
	until docker exec "$1" "/bin/moot-$service" --ready >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || {
			docker exec "$1" "/bin/moot-$service" --ready || true
			echo "roll.sh: $1 is not ready after two minutes; nothing more was changed" >&2
			exit 1
		}
		sleep 1
	done
}

old=$(compose "$@" ps -q "$service")
count=$(echo "$old" | wc -l)
for container in $old; do
	compose "$@" up -d --no-deps --no-recreate --scale "$service=$((count + 1))" "$service"
	for running in $(compose "$@" ps -q "$service"); do
		await_ready "$running"
	done
	docker stop "$container" >/dev/null
	docker rm "$container" >/dev/null
	echo "roll.sh: $(echo "$container" | cut -c1-12) is replaced"
done
