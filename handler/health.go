package handler

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/keeper"
)

// Health answers the probes of balancers and of Kubernetes.
type Health struct {
	status func() keeper.Status
}

// NewHealth makes the handler; status is asked on every request.
func NewHealth(status func() keeper.Status) *Health { return &Health{status: status} }

// Healthz answers GET /healthz: the process runs and serves HTTP.
func (h *Health) Healthz(c *gin.Context) error {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
	return nil
}

// readiness is the body of /readyz: counts and codes, no account names.
type readiness struct {
	Status   string   `json:"status"` // ok, degraded or unavailable
	Codes    []string `json:"codes"`
	Accounts int      `json:"accounts"`
	Signing  int      `json:"accounts_signing"`
	Signable int      `json:"accounts_signable"`
	Failing  int      `json:"accounts_failing"`
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
	if answer.Codes == nil {
		answer.Codes = []string{}
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(status, answer)
	return nil
}
