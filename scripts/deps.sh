#!/bin/sh
# Installs what the tests need beyond Go and is not there yet. Uses apt-get, as
# root or by sudo, and npm for the packages of e2e/ and compat/. Says what it
# could not find and fails: no test is left out because a part is missing.
#
#   scripts/deps.sh        what `make test` needs
#   scripts/deps.sh race   a C compiler, which the race detector needs
#   scripts/deps.sh bench  what the comparison in bench/ needs
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # where Debian keeps servers

say() { printf 'deps: %s\n' "$*" >&2; }

has_any() {
	for candidate; do
		command -v "$candidate" >/dev/null 2>&1 && return 0
	done
	return 1
}

has_database() { [ -n "${WXSIGN_TEST_MYSQL_DSN:-}" ] || has_any mariadbd; }

# The test of backups dumps and restores as an operator would.
has_client() { has_any mariadb-dump && has_any mariadb; }

# The cluster tests start two Galera nodes of their own.
has_galera() {
	for library in /usr/lib/galera/libgalera_smm.so /usr/lib64/galera-4/libgalera_smm.so /usr/lib64/galera/libgalera_smm.so; do
		[ -e "$library" ] && return 0
	done
	return 1
}

# Database servers of some tests have clocks of their own.
has_faketime() {
	for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1; do
		[ -e "$library" ] && return 0
	done
	return 1
}

has_browser() {
	[ -x /usr/lib/chromium/chromium-headless-shell ] ||
		has_any chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable
}

# Without Chinese letters the pages come out as empty boxes.
has_font() {
	[ -e /usr/share/fonts/truetype/wqy/wqy-microhei.ttc ] ||
		{ has_any fc-list && [ -n "$(fc-list :lang=zh-cn 2>/dev/null)" ]; }
}

# The files of deploy/ are judged by the programs that read them.
has_promtool() { has_any promtool; }
has_nginx() { has_any nginx; }
has_caddy() { has_any caddy; }
has_systemd() { has_any systemd-analyze; }

# Alerts are mailed to a real server.
has_smtpd() { [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null; }

has_redis() { has_any redis-server; }
has_npm() { [ ! -d e2e ] || has_any npm; }
has_wrk() { has_any wrk; }
has_c() { has_any "${CC:-cc}" gcc clang; }

# missing prints the Debian packages of the parts that are not there.
missing() {
	if [ "$part" = race ]; then
		has_c || echo gcc libc6-dev
		return
	fi
	if [ "$part" = bench ]; then
		has_any mariadbd || echo mariadb-server-core
		has_redis || echo redis-server
		has_wrk || echo wrk
		has_npm || echo npm
		return
	fi
	has_database || echo mariadb-server-core
	has_client || echo mariadb-client
	has_galera || echo galera-4
	has_faketime || echo libfaketime
	has_browser || echo chromium-headless-shell
	has_font || echo fonts-wqy-microhei
	has_redis || echo redis-server
	has_smtpd || echo python3-aiosmtpd
	has_npm || echo npm
	has_promtool || echo prometheus
	has_nginx || echo nginx-light
	has_caddy || echo caddy
	has_systemd || echo systemd
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif has_any sudo; then
		sudo "$@"
	else
		say "neither root nor sudo: cannot run $*"
		return 1
	fi
}

apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

install_missing() {
	packages=$(missing | xargs)
	[ -n "$packages" ] || return 0
	say "missing: $packages"
	if has_any apt-get; then
		say "installing with apt-get"
		# One at a time: what can be had is there even if a neighbour cannot.
		apt update >&2 || say "apt-get update failed; trying with the lists at hand"
		for package in $packages; do
			apt install -y --no-install-recommends "$package" >&2 || say "apt-get could not install $package"
		done
	else
		say "there is no apt-get here"
	fi
	packages=$(missing | xargs)
	if [ -n "$packages" ]; then
		say "NOT FOUND: $packages"
		say "Install them (these are Debian's names) and run again. For the database,"
		say "WXSIGN_TEST_MYSQL_DSN may instead name a running MySQL or MariaDB."
		exit 1
	fi
}

# install_node_modules puts the packages of a folder's package-lock.json there.
# node_modules/.package-lock.json is what npm writes when it is done.
install_node_modules() {
	[ -d "$1" ] || return 0
	if [ ! -f "$1/package-lock.json" ]; then
		say "NOT FOUND: $1/package-lock.json, which names the packages"
		exit 1
	fi
	if [ -f "$1/node_modules/.package-lock.json" ] &&
		[ -z "$(find "$1/package.json" "$1/package-lock.json" -newer "$1/node_modules/.package-lock.json")" ]; then
		return 0
	fi
	say "npm ci in $1/"
	if ! (cd "$1" && npm ci --no-audit --no-fund --ignore-scripts >&2); then
		say "NOT FOUND: the packages of $1/package-lock.json; is the npm registry in reach?"
		exit 1
	fi
}

part=${1:-test}
install_missing
case $part in
test)
	install_node_modules e2e    # the real jweixin
	install_node_modules compat # SDKs of business servers
	;;
bench) install_node_modules bench/node ;; # signers on Node
esac
