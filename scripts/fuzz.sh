#!/bin/sh
# Runs every fuzz test of the module, one after the other, and keeps some of the
# inputs that led to new code: Go's own cache stays on this machine, testdata/fuzz
# goes with the repository, and `go test` runs what is in it.
#
#   scripts/fuzz.sh 30s [go test flags]
#   FUZZ=pageurl scripts/fuzz.sh 30s     those whose package or name match alone
#
# A finding does not end the run: the others are fuzzed, and it fails at the end.
set -eu
cd "$(dirname "$0")/.."
time=$1
shift

# What is kept of each test, with what it has already: the repository must not
# grow by every run. Together less than 2 MB.
files=60
bytes=32768
largest=2048

# keep copies inputs from Go's cache, spread evenly over their sizes: the smallest
# alone are the shallow ones.
keep() {
	dir=$(go list -f '{{.Dir}}' "$1")/testdata/fuzz/$2
	cache=$(go env GOCACHE)/fuzz/$1/$2
	[ -d "$cache" ] || return 0
	mkdir -p "$dir"
	find "$dir" "$cache" -type f -exec wc -c {} + | awk '$2 != "total"' | sort -n | awk -v dir="$dir/" \
		-v files="$files" -v bytes="$bytes" -v largest="$largest" '
		{ size = $1; sub(/^ *[0-9]+ /, ""); name = $0; sub(/.*\//, "", name) }
		index($0, dir) == 1 { files--; bytes -= size; there[name] = 1; next }
		size <= largest { path[n++] = $0; sizes[$0] = size; names[$0] = name }
		END {
			step = n > files && files > 0 ? n / files : 1
			for (i = 0; files > 0 && int(i) < n; i += step) {
				p = path[int(i)]
				if (names[p] in there || sizes[p] > bytes) continue
				print p
				files--; bytes -= sizes[p]
			}
		}' | while read -r input; do cp "$input" "$dir/"; done
	rmdir "$dir" 2>/dev/null || true # nothing was found
}

# go test -list prints the names of a package and then its "ok" line. Listed
# first and read after, so that a package which does not compile stops the run.
listed=$(go test "$@" -list '^Fuzz' ./...)
targets=$(echo "$listed" | awk -v only="${FUZZ:-}" '
	/^Fuzz/ { names[++n] = $1 }
	$1 == "ok" { for (i = 1; i <= n; i++) if (($2 " " names[i]) ~ only) print $2, names[i]; n = 0 }')
if [ -z "$targets" ]; then
	echo "fuzz: found no fuzz test" >&2
	exit 1
fi
found=""
while read -r package name; do
	printf '== %s %s for %s\n' "$package" "$name" "$time"
	go test "$@" -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package" </dev/null || found="$found $package.$name"
	keep "$package" "$name"
	# What was kept must pass without the fuzzing engine: Go's cache may hold inputs
	# of a time when the test took other arguments.
	go test "$@" -run "^$name\$" "$package" </dev/null || found="$found $package.$name(kept)"
done <<END
$targets
END
if [ -n "$found" ]; then
	echo "fuzz: not passed:$found" >&2
	exit 1
fi
