package handler

import (
	"time"

	"github.com/gin-gonic/gin"
)

// ParseKnown shows what a caller's conditions are understood as.
func ParseKnown(c *gin.Context) (wait time.Duration, tags []string, after int64, err error) {
	k, err := parseKnown(c)
	return k.wait, k.tags, k.after, err
}

// ReadTime shows how a time of a filter is read.
func ReadTime(text string, zone *time.Location) (t time.Time, wrong bool) {
	return readTime(text, zone)
}

// ClockAhead shows how clocks are compared.
func ClockAhead(database, before, after time.Time) time.Duration {
	return clockAhead(database, before, after)
}
