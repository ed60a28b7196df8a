package handler

import (
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/auth"
)

// ParseKnown shows what a caller's conditions are understood as.
func ParseKnown(c *gin.Context) (wait time.Duration, tags []string, after int64, err error) {
	k, err := parseKnown(c)
	return k.wait, k.tags, k.after, err
}

// AcceptsGzip shows what an Accept-Encoding is understood as.
func AcceptsGzip(lines []string) bool { return acceptsGzip(lines) }

// ReadTime shows how a time of a filter is read.
func ReadTime(text string, zone *time.Location) (t time.Time, wrong bool) {
	return readTime(text, zone)
}

// ClockAhead shows how clocks are compared.
func ClockAhead(database, before, after time.Time) time.Duration {
	return clockAhead(database, before, after)
}

// Standing counts the polls that wait.
type Standing struct{ standing }

// Enter is a poll of a key that comes.
func (s *Standing) Enter(key string) bool { return s.enter(key) }

// Leave is one that goes.
func (s *Standing) Leave(key string) { s.leave(key) }

// Visitors are the cookies that a panel has seen.
type Visitors struct{ panel *Panel }

// NewVisitors makes a panel that has seen none.
func NewVisitors() Visitors { return Visitors{&Panel{seen: newSeenCookies()}} }

// Opened is a cookie that was looked up and opened a session.
func (v Visitors) Opened(token string) { v.panel.seen.note(token, nil) }

// InVain is one that did not.
func (v Visitors) InVain(token string) { v.panel.seen.note(token, auth.ErrNoSession) }

// Unchecked is why the cookie of a request is not looked up.
func (v Visitors) Unchecked(c *gin.Context, limiter NetworkLimiter) error {
	return v.panel.unchecked(c, limiter)
}
