// Package attack is the real binary among people who mean it harm: hostile
// requests on every listener, connections that drip, rows of the database that
// were swapped, a change of the master key that is killed. It holds tests only.
//
//	attack_test.go    what every answer is held to, and what may not grow
//	hostile_test.go   the requests, made from a seed
//	drip_test.go      connections that send a byte now and then
//	sealed_test.go    swapped envelopes, and master-key rotate under kill -9
//	kit_test.go       processes
//
// `make test` sends some 1,000 requests, `make attack` 10,000. A run is repeated
// by ATTACK_SEED, one request of it by ATTACK_ONLY as well.
package attack
