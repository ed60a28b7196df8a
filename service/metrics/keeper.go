package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// keeperMetrics is what the keeper of this replica does.
type keeperMetrics struct {
	claims    *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	calls     *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	errcodes  *bounded
}

func newKeeperMetrics() keeperMetrics {
	return keeperMetrics{
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxsign_claims_total", Help: "Claims on a credential's row that this replica won, or lost to another one.",
		}, []string{"kind", "result"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxsign_refreshes_total", Help: "Attempts of this replica to renew a credential, by how they ended; errcode is WeChat's, 0 where it gave none.",
		}, []string{"kind", "outcome", "errcode"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxsign_upstream_calls_total", Help: "Calls of this replica to WeChat, by errcode: 0 = granted, none = no answer that can be used.",
		}, []string{"kind", "errcode"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxsign_upstream_seconds", Help: "Time that WeChat took to answer this replica, or not to.",
			Buckets: []float64{.025, .05, .1, .2, .4, .8, 1.6, 3, 5, 8, 15},
		}, []string{"kind"}),
		errcodes: newBounded(mostErrcodes),
	}
}

// Claimed counts a claim that ended; won tells how.
func (m *Metrics) Claimed(kind string, won bool) {
	result := "lost"
	if won {
		result = "won"
	}
	m.keeper.claims.WithLabelValues(kind, result).Inc()
}

// NoAnswer is what Called is given as the errcode where WeChat gave none.
const NoAnswer = -1000

// Called counts a call to WeChat. kind is "probe" for the question whether a
// token is alive; errcode is 0 for a good answer, or NoAnswer.
func (m *Metrics) Called(kind string, errcode int, took time.Duration) {
	m.keeper.calls.WithLabelValues(kind, m.keeper.errcodes.label(errcode)).Inc()
	m.keeper.latency.WithLabelValues(kind).Observe(took.Seconds())
}

// Ended counts an attempt by its outcome, as the history has it: renewed,
// unchanged, failed or refused.
func (m *Metrics) Ended(kind, outcome string, errcode int) {
	m.keeper.refreshes.WithLabelValues(kind, outcome, m.keeper.errcodes.label(errcode)).Inc()
}

// mostErrcodes is more than a server ever meets. There is no list of all: WeChat
// adds codes without notice, and a new one is just what an operator must see.
const mostErrcodes = 50

// bounded lets only so many numbers become labels.
type bounded struct {
	mu   sync.Mutex
	most int
	seen map[int]bool
}

func newBounded(most int) *bounded { return &bounded{most: most, seen: map[int]bool{0: true}} }

// label is the number, or "other" for those that came after the first ones.
func (b *bounded) label(n int) string {
	if n == NoAnswer {
		return "none"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.seen[n] {
		if len(b.seen) > b.most {
			return "other"
		}
		b.seen[n] = true
	}
	return strconv.Itoa(n)
}
