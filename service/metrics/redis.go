package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	copiedDesc = prometheus.NewDesc("wxsign_redis_values", "Live values that Redis held when it was last written to.", nil, nil)
	behindDesc = prometheus.NewDesc("wxsign_redis_behind_seconds",
		"For how long the copy in Redis has failed, 0 while it is as it should be.", nil, nil)
)

// Copied is how the copy of the values in Redis is.
type Copied struct {
	Values int
	Behind time.Duration // 0 = all is well
}

// WatchRedis adds the copy in Redis to what a scrape shows; state must answer from
// memory. It is called once, and only where values are copied.
func (m *Metrics) WatchRedis(state func() Copied) error { return m.registry.Register(redisCopy(state)) }

type redisCopy func() Copied

// Describe implements prometheus.Collector.
func (redisCopy) Describe(out chan<- *prometheus.Desc) {
	out <- copiedDesc
	out <- behindDesc
}

// Collect implements prometheus.Collector.
func (c redisCopy) Collect(out chan<- prometheus.Metric) {
	state := c()
	out <- gauge(copiedDesc, float64(state.Values))
	out <- gauge(behindDesc, state.Behind.Seconds())
}
