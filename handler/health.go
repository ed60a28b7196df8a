package handler

import (
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/keeper"
)

// Health answers the probes of balancers and of Kubernetes.
type Health struct {
	status   func() keeper.Status
	troubles func() []keeper.AccountTrouble // nil = accounts are not named
	copied   func() CopyState               // nil = nothing is copied
}

// CopyState is how the copy of the values in Redis is.
type CopyState struct {
	Values       int       // that Redis held at the last success
	LastSuccess  time.Time // zero = none yet
	FailingSince time.Time // zero = all is well
	Error        string    // with its mend
}

// codeCopyBehind stands in /readyz while Redis does not have the newest values.
const codeCopyBehind = "redis_behind"

// NewHealth makes the handler; status is asked on every request.
func NewHealth(status func() keeper.Status) *Health { return &Health{status: status} }

// Naming is the same handler for operators: its /readyz names the accounts that
// are in trouble.
func (h *Health) Naming(troubles func() []keeper.AccountTrouble) *Health {
	return &Health{status: h.status, troubles: troubles, copied: h.copied}
}

// Copying is the same handler where values are copied to Redis.
func (h *Health) Copying(state func() CopyState) *Health {
	return &Health{status: h.status, troubles: h.troubles, copied: state}
}

// Healthz answers GET /healthz: the process runs and serves HTTP.
func (h *Health) Healthz(c *gin.Context) error {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
	return nil
}

// readiness is the body of /readyz: counts and codes. Accounts are named only
// where operators ask.
type readiness struct {
	Status   string   `json:"status"` // ok, degraded or unavailable
	Codes    []string `json:"codes"`
	Accounts int      `json:"accounts"`
	Signing  int      `json:"accounts_signing"`
	Signable int      `json:"accounts_signable"`
	Failing  int      `json:"accounts_failing"`

	Troubles []trouble   `json:"troubles,omitempty"`
	Redis    *copyAnswer `json:"redis,omitempty"`
}

// copyAnswer is CopyState for operators.
type copyAnswer struct {
	Values       int    `json:"values"`
	LastSuccess  string `json:"last_success,omitempty"`  // RFC 3339
	FailingSince string `json:"failing_since,omitempty"` // likewise
	Error        string `json:"error,omitempty"`
}

// addCopy tells that programs that read Redis are behind, and to operators since
// when and why.
func (h *Health) addCopy(to *readiness) {
	if h.copied == nil {
		return
	}
	state := h.copied()
	if !state.FailingSince.IsZero() {
		to.Codes = append(slices.Clone(to.Codes), codeCopyBehind)
		if to.Status == "ok" {
			to.Status = "degraded"
		}
	}
	if h.troubles != nil {
		to.Redis = &copyAnswer{
			Values: state.Values, LastSuccess: instant(state.LastSuccess), FailingSince: instant(state.FailingSince), Error: state.Error,
		}
	}
}

// instant is RFC 3339, "" for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// trouble is a credential that is missing, or that cannot be renewed.
type trouble struct {
	AppID   string `json:"app_id"`
	Kind    string `json:"kind"`
	Live    bool   `json:"live"` // a value is still being served
	Failing int    `json:"failing"`
	Errcode int    `json:"errcode,omitempty"`
	Text    string `json:"text,omitempty"`
	NextTry string `json:"next_try,omitempty"` // RFC 3339
}

func troublesOf(all []keeper.AccountTrouble) []trouble {
	list := make([]trouble, 0, len(all))
	for _, t := range all {
		list = append(list, trouble{
			AppID: t.AppID, Kind: t.Kind, Live: t.Live, Failing: t.Failing, Errcode: t.Errcode, Text: t.Text, NextTry: instant(t.NextTry),
		})
	}
	return list
}

// Readyz answers GET /readyz: 503 only where this replica is of no use at all.
// One account in trouble, or a database that is away while values live, makes
// it "degraded" with status 200, so that a balancer keeps it.
func (h *Health) Readyz(c *gin.Context) error {
	s := h.status()
	answer := readiness{Status: "ok", Codes: s.Codes, Accounts: s.Accounts, Signing: s.Signing, Signable: s.Signable, Failing: s.Failing}
	status := http.StatusOK
	switch {
	case !s.Ready:
		answer.Status, status = "unavailable", http.StatusServiceUnavailable
	case s.Degraded:
		answer.Status = "degraded"
	}
	h.addCopy(&answer)
	if answer.Codes == nil {
		answer.Codes = []string{}
	}
	if h.troubles != nil {
		answer.Troubles = troublesOf(h.troubles())
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(status, answer)
	return nil
}
