#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The promise of the README, on a machine with nothing installed: a bare Debian 12 in a chroot, this tree
# copied into it, ./dev run, and the two people of its links see each other in a Chromium outside, and a
# second start takes under 3 s. Needs root, the network and two minutes. Argument: a free port.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

port=${1:-18480}
bare=$(mktemp -d /var/tmp/moothall-bare.XXXXXX)
tree=/root/moothall # a home that is closed to other users, as on most machines

trust=() # what this machine's Node trusts beside the public authorities, if anything: it is the same network

inside() {
	chroot "$bare" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "${trust[@]}" "$@"
}

# Whatever happens: no process and no mount of it is left.
# shellcheck disable=SC2317 # called by the trap
leave() {
	local pid
	inside "$tree/dev" stop 2>/dev/null || true
	for pid in /proc/[0-9]*; do
		[ "$(readlink "$pid/root" 2>/dev/null)" != "$bare" ] || kill -KILL "${pid#/proc/}" 2>/dev/null || true
	done
	! mountpoint -q "$bare/proc" || umount "$bare/proc" || umount -l "$bare/proc"
	rm -rf --one-file-system "$bare"
}
trap leave EXIT

chmod 755 "$bare"
echo "making a bare Debian 12 in $bare"
debootstrap --variant=minbase bookworm "$bare" >"$bare.log" 2>&1 || {
	tail -n 20 "$bare.log"
	exit 1
}
rm -f "$bare.log"
mount -t proc proc "$bare/proc"
cp /etc/resolv.conf /etc/hosts "$bare/etc/"
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
	cp "$NODE_EXTRA_CA_CERTS" "$bare/etc/node-trust.pem"
	trust=(NODE_EXTRA_CA_CERTS=/etc/node-trust.pem)
fi

mkdir -p "$bare$tree"
tar -c --exclude=./build --exclude='./build-*' --exclude=./var --exclude=./.git --exclude=node_modules . |
	tar -x -C "$bare$tree"

inside "$tree/dev" run --detach --port "$port" 2>&1 | tee "$bare/run.log"
mapfile -t links < <(grep -o 'http://localhost:[^ ]*' "$bare/run.log")
[ "${#links[@]}" -eq 2 ] || {
	echo "expected two links, found ${#links[@]}"
	exit 1
}
node tests/browser/links.mjs "${links[@]}"
inside "$tree/dev" stop

from=$(date +%s%N)
inside "$tree/dev" run --detach --port "$port"
took=$((($(date +%s%N) - from) / 1000000))
echo "the second start took $took ms"
