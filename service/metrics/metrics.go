// Package metrics is what Prometheus can ask of this replica. A scrape reads
// memory only, so it answers at once while database and WeChat are away; what
// the database alone knows is looked up beforehand, by Watch.
//
// Labels are bounded: kinds and codes are ours, errcodes beyond the first few
// dozen become "other", and beyond MostAccounts only accounts in trouble have
// series of their own. No value of a credential is among them.
//
//	metrics.go   the registry, and what is counted
//	keeper.go    what the keeper tells: claims, calls, outcomes
//	replica.go   what the snapshot holds, at the moment of the scrape
//	watch.go     what the database knows: its clock, the budgets, what is newer
//	standing.go  what it knows of all replicas: alerts, messages that wait, settings
//	redis.go     the copy in Redis
package metrics

import (
	"errors"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wxsign/wxsign/service/snapshot"
)

// State is how the replica is at the moment of a scrape.
type State struct {
	Ready        bool
	DatabaseDown time.Duration // 0 = it is there
	ReadOnly     bool          // it answers and takes no writes
}

// DefaultMostAccounts is up to how many accounts each has series of its own.
const DefaultMostAccounts = 1000

// Options of New. Table and State are required; zero fields mean: MostAccounts
// = DefaultMostAccounts, Store nil = Watch has nothing to look at, Conditions nil =
// all alerts count as "other".
type Options struct {
	Version, Commit, Date string // of this build
	Table                 *snapshot.Table
	State                 func() State
	Store                 Store
	// Conditions are those that alerts are raised for: each is a label.
	Conditions []string
	// MostAccounts bounds the accounts with series of their own.
	MostAccounts int
}

// Metrics counts and serves. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	signs    *prometheus.CounterVec
	signed   prometheus.Counter // of signs, the label "ok"
	latency  prometheus.Histogram
	keeper   keeperMetrics
	watch    *watch
}

// New makes the metrics of one replica.
func New(o Options) (*Metrics, error) {
	if o.Table == nil || o.State == nil {
		return nil, errors.New("metrics: Table and State are required")
	}
	if o.MostAccounts <= 0 {
		o.MostAccounts = DefaultMostAccounts
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		signs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxsign_sign_requests_total", Help: "Requests to /jssdk/config by their code, ok where they were signed.",
		}, []string{"code"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "wxsign_sign_request_seconds", Help: "Time to answer /jssdk/config.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .01, .05, .25, 1, 2.5},
		}),
		keeper: newKeeperMetrics(),
		watch:  newWatch(o),
	}
	m.signed = m.signs.WithLabelValues(codeOK) // there from the start: a rate needs two points
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "wxsign_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": o.Version, "commit": o.Commit, "date": o.Date, "go": runtime.Version()},
	}, func() float64 { return 1 })
	m.registry.MustRegister(m.signs, m.latency, build, &replica{table: o.Table, state: o.State, mostAccounts: o.MostAccounts}, m.watch,
		m.keeper.claims, m.keeper.refreshes, m.keeper.calls, m.keeper.latency,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m, nil
}

// codeOK is the code of a request that was signed.
const codeOK = "ok"

// Signed counts a request to the signing endpoint.
func (m *Metrics) Signed(code string, took time.Duration) {
	if code == codeOK { // nearly all of them, and looking a label up takes longer than counting
		m.signed.Inc()
	} else {
		m.signs.WithLabelValues(code).Inc()
	}
	m.latency.Observe(took.Seconds())
}

// Handler serves the text format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
