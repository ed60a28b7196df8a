package simulator_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/simulator"
)

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	account := func(change func(*simulator.Account)) func(*simulator.Options) {
		return func(o *simulator.Options) { change(&o.Accounts[0]) }
	}
	for part, change := range map[string]func(*simulator.Options){
		"at least one":      func(o *simulator.Options) { o.Accounts = nil },
		"is there twice":    func(o *simulator.Options) { o.Accounts[1].AppID = appID },
		"CredentialLife 1m": func(o *simulator.Options) { o.CredentialLife = 119 * time.Second },
		"Overlap 2h":        func(o *simulator.Options) { o.Overlap = 2 * time.Hour },
		"Overlap -1s":       func(o *simulator.Options) { o.Overlap = -time.Second },
		"ResetHour 24":      func(o *simulator.Options) { o.ResetHour = 24 },
		"ForceOver":         func(o *simulator.Options) { o.ForceOver = "x" },
		"TicketEarly":       func(o *simulator.Options) { o.TicketEarly = 3 * time.Hour },
		"SignatureMaxAge":   func(o *simulator.Options) { o.SignatureMaxAge = -1 },
		"LedgerSize":        func(o *simulator.Options) { o.LedgerSize = -1 },
		"AppID":             account(func(a *simulator.Account) { a.AppID = "" }),
		"AppID \"wx 1\"":    account(func(a *simulator.Account) { a.AppID = "wx 1" }),
		"secret":            account(func(a *simulator.Account) { a.Secret = "" }),
		"TokenErrcode":      account(func(a *simulator.Account) { a.TokenErrcode = 40013 }),
		"TicketErrcode":     account(func(a *simulator.Account) { a.TicketErrcode = 40013 }),
		"\"https://x.com\"": account(func(a *simulator.Account) { a.Domains = []string{"https://x.com"} }),
		"\"x.com:8080\"":    account(func(a *simulator.Account) { a.Domains = []string{"x.com:8080"} }),
		"\"*.x.com\"":       account(func(a *simulator.Account) { a.Domains = []string{"*.x.com"} }),
		"\"\" is not":       account(func(a *simulator.Account) { a.Domains = []string{""} }),
		"\"1.2.3.*\"":       account(func(a *simulator.Account) { a.AllowedIPs = []string{"1.2.3.*"} }),
		"\"1.2.3.4:80\"":    account(func(a *simulator.Account) { a.AllowedIPs = []string{"1.2.3.4:80"} }),
		"neither an IP":     account(func(a *simulator.Account) { a.AllowedIPs = []string{"fe80::1%eth0"} }),
	} {
		if _, err := simulator.New(options(change)); !errors.Is(err, simulator.ErrOptions) || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", part, err)
		}
	}
	_, err := simulator.New(options(func(o *simulator.Options) { o.ResetHour, o.LedgerSize, o.Accounts[1].Secret = -1, -1, "" }))
	for _, part := range []string{"ResetHour", "LedgerSize", "Accounts[1]: secret"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %s in: %v", part, err)
		}
	}
}
