#!/bin/sh
# Install programs that tests run, by Debian's package manager: install_tools.sh PACKAGE=COMMAND[,COMMAND] ...
# What one of the commands is there of is left alone. Where something cannot be installed, this says so and ends well:
# tests that need it are skipped, and targets that cannot do without it fail by themselves.
missing=
for tool in "$@"; do
    for command in $(echo "${tool#*=}" | tr , ' '); do
        command -v "$command" >/dev/null && continue 2
    done
    missing="$missing ${tool%%=*}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, for want of root and apt-get:$missing" >&2
    exit 0
fi
apt-get -qq update
for package in $missing; do
    DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends "$package" \
        || echo "cannot be installed: $package" >&2
done
exit 0
