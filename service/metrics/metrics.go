// Package metrics is what Prometheus can ask of this replica. Everything is
// read from memory when it is asked for; labels are bounded by the accounts,
// kinds and codes there are, and no value of a credential is among them.
package metrics

import (
	"errors"
	"net/http"
	"strconv"
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
}

// Options of New; all are required.
type Options struct {
	Version, Commit string
	Table           *snapshot.Table
	State           func() State
}

// Metrics counts and serves. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	signs    *prometheus.CounterVec
	latency  prometheus.Histogram
}

// New makes the metrics of one replica.
func New(o Options) (*Metrics, error) {
	if o.Table == nil || o.State == nil {
		return nil, errors.New("metrics: Table and State are required")
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
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "wxsign_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": o.Version, "commit": o.Commit},
	}, func() float64 { return 1 })
	m.registry.MustRegister(m.signs, m.latency, build, &replica{table: o.Table, state: o.State},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m, nil
}

// Signed counts a request to the signing endpoint.
func (m *Metrics) Signed(code string, took time.Duration) {
	m.signs.WithLabelValues(code).Inc()
	m.latency.Observe(took.Seconds())
}

// Handler serves the text format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// replica collects what the snapshot holds.
type replica struct {
	table *snapshot.Table
	state func() State
}

var (
	expiryDesc = prometheus.NewDesc("wxsign_credential_expiry_seconds",
		"Seconds until the credential that is served ends; negative after its end.", []string{"account", "kind"}, nil)
	versionDesc = prometheus.NewDesc("wxsign_credential_version",
		"Version of the credential that is served.", []string{"account", "kind"}, nil)
	failingDesc = prometheus.NewDesc("wxsign_credential_failing",
		"Renewals of the credential that failed in a row, with the newest errcode.", []string{"account", "kind", "errcode"}, nil)
	accountsDesc = prometheus.NewDesc("wxsign_accounts", "Accounts this replica serves.", []string{"enabled"}, nil)
	readyDesc    = prometheus.NewDesc("wxsign_ready", "1 if /readyz answers 200.", nil, nil)
	databaseDesc = prometheus.NewDesc("wxsign_database_down_seconds", "For how long the database has been away, 0 if it is there.", nil, nil)
)

// Describe implements prometheus.Collector.
func (r *replica) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{expiryDesc, versionDesc, failingDesc, accountsDesc, readyDesc, databaseDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (r *replica) Collect(out chan<- prometheus.Metric) {
	now := time.Now()
	accounts := map[bool]int{true: 0, false: 0}
	for view := range r.table.All() {
		accounts[view.Account.Enabled]++
		if view.Account.Enabled {
			collectView(out, view, now)
		}
	}
	for enabled, n := range accounts {
		out <- gauge(accountsDesc, float64(n), strconv.FormatBool(enabled))
	}
	state, ready := r.state(), 0.0
	if state.Ready {
		ready = 1
	}
	out <- gauge(readyDesc, ready)
	out <- gauge(databaseDesc, state.DatabaseDown.Seconds())
}

func collectView(out chan<- prometheus.Metric, view *snapshot.View, now time.Time) {
	appID := view.Account.AppID
	for _, kind := range append([]string{snapshot.KindAccessToken}, view.Account.Tickets...) {
		if c, found := view.Credential(kind); found {
			out <- gauge(expiryDesc, c.Deadline.Sub(now).Seconds(), appID, kind)
			out <- gauge(versionDesc, float64(c.Version), appID, kind)
		}
		trouble := view.Trouble(kind)
		if trouble.Failing > 0 {
			out <- gauge(failingDesc, float64(trouble.Failing), appID, kind, strconv.Itoa(trouble.Errcode))
		}
	}
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
