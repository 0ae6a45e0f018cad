#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# collect.sh ROOT FILE...: the root of an image in ROOT, with these programs in /bin, libraries where they
# are, everything that they load, and the authorities that TLS trusts.
set -eu

root=$1
shift
mkdir -p "$root/bin" "$root/etc/ssl/certs" "$root/tmp"
echo 'moot:x:10001:10001::/:/' >"$root/etc/passwd"
echo 'moot:x:10001:' >"$root/etc/group"
[ ! -f /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
for file; do
	case $file in
	*.so) cp -L --parents "$file" "$root" ;;
	*) cp -L "$file" "$root/bin/" ;;
	esac
	ldd "$file" | grep -o '/[^ ]*' | while read -r library; do
		cp -L --parents "$library" "$root"
	done
done
