package router

import "math/rand/v2"

// Forms of a request id that is taken from a proxy.
const (
	shortestID = 8
	longestID  = 64
)

// isRequestID reports whether a proxy's id can stand in headers, JSON and logs as
// it is: letters, digits, '.', '_' and '-'.
func isRequestID(id string) bool {
	if len(id) < shortestID || len(id) > longestID {
		return false
	}
	for i := range len(id) {
		switch b := id[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '.', b == '_', b == '-':
		default:
			return false
		}
	}
	return true
}

// idDigits write a number below 2^65.
const idDigits = 13

// base32 is the alphabet of rand.Text.
const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// newRequestID is 26 characters that no other process and no restart repeats. It
// is a name, not a secret, so that the runtime's ChaCha8 will do; but two of them
// must not tell a stranger how many requests came between.
func newRequestID() string {
	var id [2 * idDigits]byte
	for half := range 2 {
		n := rand.Uint64() //nolint:gosec // see above
		for i := range idDigits {
			id[half*idDigits+i] = base32[n%uint64(len(base32))]
			n /= uint64(len(base32))
		}
	}
	return string(id[:])
}
