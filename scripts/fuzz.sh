#!/bin/sh
# Runs every fuzz test of the module, one after the other.
#
#   scripts/fuzz.sh 30s [go test flags]
set -eu
cd "$(dirname "$0")/.."
time=$1
shift

# go test -list prints the names of a package and then its "ok" line. Listed
# first and read after, so that a package which does not compile stops the run.
listed=$(go test "$@" -list '^Fuzz' ./...)
targets=$(echo "$listed" | awk '
	/^Fuzz/ { names[++n] = $1 }
	$1 == "ok" { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
if [ -z "$targets" ]; then
	echo "fuzz: found no fuzz test" >&2
	exit 1
fi
echo "$targets" | while read -r package name; do
	printf '== %s %s for %s\n' "$package" "$name" "$time"
	go test "$@" -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package" </dev/null
done
