package paneltest_test

import (
	"time"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

// deskKit is what the panel asks beside accounts and their history.
type deskKit struct {
	checker *signature.Checker
	reports *qa.Archive
}

const (
	checkedApp    = "wxchecked"
	checkedTicket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
	checkedToken  = "the-access-token-of-the-checked-account"
	checkedURL    = "https://h5.example.com/a?b=1&c=2"
	checkedNonce  = "Wm3WZYTPz0wzccnW"
)

// newDesks gives the checker one account with a live ticket.
func (k *panelKit) newDesks() (d deskKit) {
	k.t.Helper()
	k.table = snapshot.NewTable()
	domain, err := pageurl.ParsePattern("h5.example.com")
	k.ok(err)
	k.table.PutAccounts(snapshot.Account{
		AppID: checkedApp, Enabled: true, Domains: []pageurl.Pattern{domain}, Tickets: []string{snapshot.KindJSAPI},
	})
	now := time.Now()
	for kind, value := range map[string]string{snapshot.KindJSAPI: checkedTicket, snapshot.KindAccessToken: checkedToken} {
		k.table.PutCredential(checkedApp, snapshot.Credential{
			Kind: kind, Value: secret.New(value), Version: 12, PublishID: "p", IssuedAt: now.Add(-time.Hour).UnixMilli(),
			ExpiresAt: now.Add(time.Hour).UnixMilli(), Deadline: now.Add(time.Hour),
		})
	}
	d.checker, err = signature.NewChecker(signature.Options{Accounts: k.table})
	k.ok(err)
	d.reports, err = qa.NewArchive(k.store)
	k.ok(err)
	return d
}
