package handler

import "sync"

const (
	// mostStanding bounds the polls that wait without being parked: by TLS or HTTP/2
	// of our own, by HTTP/1.0. Each of them holds 20 to 50 KB.
	mostStanding = 2_000
	// mostStandingOfKey bounds those of one API key: its holder leaves room to others.
	mostStandingOfKey = 500
)

// standing counts polls that wait without being parked. Zero is ready for use.
type standing struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by the key's id; none is 0
}

// enter reports whether there is a place for one more poll with a key. If so, leave
// is to be called in the end.
func (s *standing) enter(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= mostStanding || s.of[key] >= mostStandingOfKey {
		return false
	}
	if s.of == nil {
		s.of = make(map[string]int)
	}
	s.all++
	s.of[key]++
	return true
}

func (s *standing) leave(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[key]--; s.of[key] == 0 {
		delete(s.of, key)
	}
}
