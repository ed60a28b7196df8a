package router

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
)

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

// ids makes request ids that no other process and no restart repeats: a random
// beginning, and a number. They are names, not secrets, so that nobody needs to
// ask the system for random bytes at each request.
type ids struct {
	begin string
	made  atomic.Uint64
}

const (
	// idBegin is of rand.Text, whose characters hold 5 random bits each.
	idBegin = 12
	// idDigits write a number below 2^65.
	idDigits = 13
)

// base32 is the alphabet of rand.Text.
const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// newIDs starts at a random number: how many requests there were before is
// nobody's business.
func newIDs() *ids {
	s := &ids{begin: rand.Text()[:idBegin]}
	var start [8]byte
	_, _ = rand.Read(start[:]) // never fails
	s.made.Store(binary.NativeEndian.Uint64(start[:]))
	return s
}

// next is 25 characters long.
func (s *ids) next() string {
	var id [idBegin + idDigits]byte
	copy(id[:], s.begin)
	n := s.made.Add(1)
	for i := len(id) - 1; i >= idBegin; i-- {
		id[i] = base32[n%uint64(len(base32))]
		n /= uint64(len(base32))
	}
	return string(id[:])
}
