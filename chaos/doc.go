// Package chaos runs replicas of the real binary and breaks what they stand on:
// it kills and stops processes, cuts and hangs their way to the database and to
// WeChat, and asks every replica for signatures and tokens all the while. Its
// tests are the package; nothing imports it.
//
// The product has no hooks for that. Each replica reaches its database through a
// proxy of its own that reads the text of the queries, and WeChat through a door
// of its own before one simulator; "the claim was sent" and "WeChat has issued"
// are seen there, from outside, and there the process is killed. On SQLite the
// file itself is watched, and locked. Other servers are real ones, too: alone, in
// a pair with replication or in a Galera cluster, with clocks that can be set.
// What a replica signs is judged by the tickets that are alive in the simulator,
// what it stored and called by the simulator's ledger against versions and
// history rows.
//
// A plain run is short and part of `go test ./...`. `make chaos` runs the full
// size, `make chaos CHAOS=TestKill` a part of it; docs/reliability.md says what it
// measured. Variables:
//
//	CHAOS_MINUTES   length of a storm, which goes on up to twice more until
//	                it has seen a million right answers; set = full size of everything
//	CHAOS_SEED      the storm's random numbers, to run one again
//	CHAOS_REPLICAS  replicas in a storm, default 3
//	CHAOS_BINARY    a wxsign to break instead of this tree's
package chaos
