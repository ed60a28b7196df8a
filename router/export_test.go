package router

import (
	"log/slog"

	"github.com/gin-gonic/gin"
)

// Keys is how many keys the limiter remembers.
func (l *Limiter) Keys() int {
	n := 0
	for i := range l.shards {
		l.shards[i].mu.Lock()
		n += l.shards[i].buckets.Len()
		l.shards[i].mu.Unlock()
	}
	return n
}

// AccessLog lets tests put routes of their own behind it.
func AccessLog(log *slog.Logger) gin.HandlerFunc { return accessLog(log, nil) }

// IsUsual and IsPlain judge the path of an address.
var (
	IsUsual = isUsual
	IsPlain = isPlain
)
