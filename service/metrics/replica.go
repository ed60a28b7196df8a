package metrics

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxsign/wxsign/service/snapshot"
)

// replica collects what the snapshot holds.
type replica struct {
	table        *snapshot.Table
	state        func() State
	mostAccounts int
}

var (
	expiryDesc = prometheus.NewDesc("wxsign_credential_expiry_seconds",
		"Seconds until the credential that is served ends; negative after its end.", []string{"account", "kind"}, nil)
	versionDesc = prometheus.NewDesc("wxsign_credential_version",
		"Version of the credential that is served.", []string{"account", "kind"}, nil)
	failingDesc = prometheus.NewDesc("wxsign_credential_failing",
		"Renewals of the credential that failed in a row, with the newest errcode.", []string{"account", "kind", "errcode"}, nil)
	credentialsDesc = prometheus.NewDesc("wxsign_credentials",
		"Credentials of enabled accounts by state: live, expired, or missing where there never was one.", []string{"kind", "state"}, nil)
	failuresDesc = prometheus.NewDesc("wxsign_credentials_failing",
		"Credentials of enabled accounts whose newest renewal failed.", []string{"kind"}, nil)
	soonestDesc = prometheus.NewDesc("wxsign_credential_soonest_expiry_seconds",
		"Seconds until the first of all credentials that are served ends; negative after its end.", []string{"kind"}, nil)
	accountsDesc = prometheus.NewDesc("wxsign_accounts", "Accounts this replica serves.", []string{"enabled"}, nil)
	hiddenDesc   = prometheus.NewDesc("wxsign_accounts_without_series",
		"Enabled accounts that have no series of their own, because there are too many and nothing is wrong with them.", nil, nil)
	readyDesc    = prometheus.NewDesc("wxsign_ready", "1 if /readyz answers 200.", nil, nil)
	readOnlyDesc = prometheus.NewDesc("wxsign_database_read_only", "1 if the database answers and takes no writes, so that nothing is renewed.", nil, nil)
	ageDesc      = prometheus.NewDesc("wxsign_credential_oldest_seconds",
		"For how long the one of all live credentials that changed longest ago has been the same.", []string{"kind"}, nil)
	databaseDesc = prometheus.NewDesc("wxsign_database_down_seconds", "For how long the database has been away, 0 if it is there.", nil, nil)
)

// Describe implements prometheus.Collector.
func (r *replica) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		expiryDesc, versionDesc, failingDesc, credentialsDesc, failuresDesc, soonestDesc, accountsDesc, hiddenDesc, readyDesc, databaseDesc,
		readOnlyDesc, ageDesc,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (r *replica) Collect(out chan<- prometheus.Metric) {
	now := time.Now()
	accounts := map[bool]int{true: 0, false: 0}
	all := newSums()
	var enabled []seen
	for view := range r.table.All() {
		accounts[view.Account.Enabled]++
		if view.Account.Enabled {
			s := look(view, now)
			all.add(s)
			enabled = append(enabled, s)
		}
	}
	shown := r.choose(enabled)
	for _, s := range shown {
		s.collect(out)
	}
	all.collect(out)
	for is, n := range accounts {
		out <- gauge(accountsDesc, float64(n), strconv.FormatBool(is))
	}
	out <- gauge(hiddenDesc, float64(len(enabled)-len(shown)))
	state := r.state()
	out <- gauge(readyDesc, oneIf(state.Ready))
	out <- gauge(readOnlyDesc, oneIf(state.ReadOnly))
	out <- gauge(databaseDesc, state.DatabaseDown.Seconds())
}

// choose bounds the series: where there are too many accounts, those in trouble
// are left, and of them the ones that end first.
func (r *replica) choose(all []seen) []seen {
	if len(all) <= r.mostAccounts {
		return all
	}
	troubled := slices.DeleteFunc(slices.Clone(all), func(s seen) bool { return !s.troubled() })
	slices.SortFunc(troubled, func(a, b seen) int {
		return cmp.Or(cmp.Compare(a.soonest(), b.soonest()), cmp.Compare(a.appID, b.appID))
	})
	return troubled[:min(len(troubled), r.mostAccounts)]
}

// seen is one account at the moment of the scrape.
type seen struct {
	appID       string
	credentials []credential
}

// credential is what a scrape sees of one credential.
type credential struct {
	kind    string
	found   bool
	left    float64 // seconds
	age     float64 // seconds since it was issued
	version int64
	trouble snapshot.Trouble
}

func look(view *snapshot.View, now time.Time) seen {
	s := seen{appID: view.Account.AppID}
	for _, kind := range append([]string{snapshot.KindAccessToken}, view.Account.Tickets...) {
		c, found := view.Credential(kind)
		found = found && !c.Value.IsZero()
		seenOne := credential{kind: kind, found: found, version: c.Version, trouble: view.Trouble(kind)}
		if found {
			seenOne.left = c.Deadline.Sub(now).Seconds()
			seenOne.age = float64(c.ExpiresAt-c.IssuedAt)/1000 - seenOne.left
		}
		s.credentials = append(s.credentials, seenOne)
	}
	return s
}

// endsSoon is less than what is left when a renewal in good order is tried.
const endsSoon = 3 * time.Minute

func (c credential) troubled() bool {
	return !c.found || c.left < endsSoon.Seconds() || c.trouble.Failing > 0
}

func (s seen) troubled() bool { return slices.ContainsFunc(s.credentials, credential.troubled) }

// soonest is the least time that one of its credentials has left; a missing one
// has none.
func (s seen) soonest() float64 {
	least := s.credentials[0].left
	for _, c := range s.credentials[1:] {
		least = min(least, c.left)
	}
	return least
}

func (s seen) collect(out chan<- prometheus.Metric) {
	for _, c := range s.credentials {
		if c.found {
			out <- gauge(expiryDesc, c.left, s.appID, c.kind)
			out <- gauge(versionDesc, float64(c.version), s.appID, c.kind)
		}
		if c.trouble.Failing > 0 {
			out <- gauge(failingDesc, float64(c.trouble.Failing), s.appID, c.kind, strconv.Itoa(c.trouble.Errcode))
		}
	}
}

// sums are over all accounts, whether they have series of their own or not.
type sums struct {
	states  map[[2]string]int // by kind and state
	failing map[string]int
	soonest map[string]float64
	oldest  map[string]float64 // of those that live
}

func newSums() sums {
	return sums{states: map[[2]string]int{}, failing: map[string]int{}, soonest: map[string]float64{}, oldest: map[string]float64{}}
}

// The states of a credential.
const (
	stateLive    = "live"
	stateExpired = "expired"
	stateMissing = "missing"
)

func (t sums) add(s seen) {
	for _, c := range s.credentials {
		for _, state := range []string{stateLive, stateExpired, stateMissing} {
			t.states[[2]string{c.kind, state}] += 0 // each is there, if only as 0
		}
		state := stateMissing
		if c.found {
			state = stateLive
			if c.left <= 0 {
				state = stateExpired
			} else {
				t.oldest[c.kind] = max(t.oldest[c.kind], c.age)
			}
			if least, known := t.soonest[c.kind]; !known || c.left < least {
				t.soonest[c.kind] = c.left
			}
		}
		t.states[[2]string{c.kind, state}]++
		t.failing[c.kind] += min(1, c.trouble.Failing)
	}
}

func (t sums) collect(out chan<- prometheus.Metric) {
	for key, n := range t.states {
		out <- gauge(credentialsDesc, float64(n), key[0], key[1])
	}
	for kind, n := range t.failing {
		out <- gauge(failuresDesc, float64(n), kind)
	}
	for kind, left := range t.soonest {
		out <- gauge(soonestDesc, left, kind)
	}
	for kind, age := range t.oldest {
		out <- gauge(ageDesc, age, kind)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
