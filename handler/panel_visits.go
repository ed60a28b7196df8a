package handler

import (
	"crypto/sha256"
	"errors"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/wxsign/wxsign/service/auth"
)

const (
	// sessionTokenLength is that of auth's tokens: 32 bytes in base64 without padding.
	sessionTokenLength = 43
	// mostSeen cookies are remembered, which takes about 600 KB; few companies have
	// more people at a panel.
	mostSeen = 4096
)

// seenCookies are those that opened a session lately, by hash. They are no proof: the
// database is asked each time. But it is asked without a limit, so that nobody at the
// address of a person at work can keep that person out.
type seenCookies struct {
	hashes *lru.Cache[[sha256.Size]byte, struct{}]
	misses misses
}

func newSeenCookies() seenCookies {
	hashes, _ := lru.New[[sha256.Size]byte, struct{}](mostSeen) // the only error is for a size below 1
	return seenCookies{hashes: hashes, misses: newMisses()}
}

// has reports whether the cookie opened a session lately.
func (s seenCookies) has(token string) bool { return s.hashes.Contains(sha256.Sum256([]byte(token))) }

// note remembers what came of a look-up.
func (s seenCookies) note(token string, err error) {
	hash := sha256.Sum256([]byte(token))
	switch {
	case err == nil:
		s.hashes.Add(hash, struct{}{})
	case errors.Is(err, auth.ErrNoSession):
		s.hashes.Remove(hash)
		s.misses.count()
	}
}

// panelUnchecked is where Visits puts why a cookie is not looked up.
const panelUnchecked = "panel_unchecked"

// Visits stands in front of all that asks the database whose a cookie is. It counts
// requests with cookies that have opened no session lately, per network by limiter
// and, where they turn out to be nobody's, all together.
func (p *Panel) Visits(limiter NetworkLimiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := p.unchecked(c, limiter); err != nil {
			c.Set(panelUnchecked, err)
		}
		c.Next()
	}
}

// unchecked is why a cookie is not looked up; nil = it is, or there is none.
func (p *Panel) unchecked(c *gin.Context, limiter NetworkLimiter) error {
	token := p.visit(c).Token
	if len(token) != sessionTokenLength || p.seen.has(token) {
		return nil
	}
	if wait, granted := limiter.Take(NetworkOf(AddressOf(c))); !granted {
		return &RetryLater{Err: ErrTooManyRequests, After: wait}
	}
	return p.seen.misses.check()
}

// session finds the session of the request's cookie, or fails with auth.ErrNoSession.
// active says that a person did something.
func (p *Panel) session(c *gin.Context, active bool) (auth.Session, error) {
	if reason, refused := c.Get(panelUnchecked); refused {
		err, _ := reason.(error)
		return auth.Session{}, err
	}
	token := p.visit(c).Token
	if len(token) != sessionTokenLength {
		return auth.Session{}, auth.ErrNoSession
	}
	session, err := p.options.People.Session(c.Request.Context(), token, active)
	p.seen.note(token, err)
	return session, err
}
