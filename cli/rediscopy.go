package cli

import (
	"time"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/service/metrics"
)

// showRedis lets the probes and the metrics tell how the copy in Redis is.
func (p *program) showRedis(health *handler.Health) (*handler.Health, error) {
	if p.outputs.redis == nil {
		return health, nil
	}
	err := p.counters.WatchRedis(func() metrics.Copied {
		copied := metrics.Copied{Values: p.outputs.redis.Status().Values}
		if _, since := p.redisTrouble(); !since.IsZero() {
			copied.Behind = time.Since(since)
		}
		return copied
	})
	return health.Copying(func() handler.CopyState {
		state := p.outputs.redis.Status()
		text, since := p.redisTrouble()
		return handler.CopyState{Values: state.Values, LastSuccess: state.LastSuccess, FailingSince: since, Error: text}
	}), err
}
