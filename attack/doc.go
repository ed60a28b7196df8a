// Package attack is the real binary among people who mean it harm: hostile
// requests on every listener, plain and by TLS and HTTP/2, floods, connections that
// drip and clients that read nothing, links that an administrator opens, rows of the
// database that were swapped, a change of the master key that is killed. It holds
// tests only.
//
//	attack_test.go    what every answer is held to, and what may not grow
//	hostile_test.go   the requests, made from a seed
//	tls_test.go       the same by TLS and HTTP/2, and what breaks HTTP/2's rules
//	flood_test.go     much of HTTP/2 for little
//	drip_test.go      connections that send a byte now and then, or nothing
//	stalled_test.go   clients that take nothing of what they asked for
//	links_test.go     links of other sites, opened by who is signed in
//	sealed_test.go    swapped envelopes, and master-key rotate under kill -9
//	kit_test.go       processes
//
// `make test` sends 1,000 requests to each of two programs, `make attack` 10,000. A
// run is repeated by ATTACK_SEED, one request of it by ATTACK_ONLY as well.
package attack
