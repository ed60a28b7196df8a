package signature_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

const appID = "wx0123456789abcdef"

// share is the default profile of the test accounts.
var share = snapshot.Profile{JSAPIList: []string{"updateAppMessageShareData"}, OpenTagList: []string{}}

func patterns(t testing.TB, domains ...string) []pageurl.Pattern {
	t.Helper()
	all := make([]pageurl.Pattern, len(domains))
	for i, domain := range domains {
		p, err := pageurl.ParsePattern(domain)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = p
	}
	return all
}

// account is enabled, keeps a jsapi ticket and has the default profile.
func account(t testing.TB, appID string, domains ...string) snapshot.Account {
	t.Helper()
	return snapshot.Account{
		AppID: appID, Enabled: true, Domains: patterns(t, domains...),
		Profiles: map[string]snapshot.Profile{signature.DefaultProfile: share},
		Tickets:  []string{snapshot.KindJSAPI},
	}
}

func ticket(value string, deadline time.Time) snapshot.Credential {
	return snapshot.Credential{Kind: snapshot.KindJSAPI, Value: secret.New(value), Version: 1, Deadline: deadline}
}

func signerOn(t testing.TB, table *snapshot.Table) *signature.Signer {
	t.Helper()
	signer, err := signature.New(signature.Options{Accounts: table})
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// ready is a signer of one account with a live ticket.
func ready(t testing.TB, domains ...string) (*signature.Signer, *snapshot.Table) {
	t.Helper()
	table := snapshot.NewTable()
	table.PutAccounts(account(t, appID, domains...))
	table.PutCredential(appID, ticket(officialTicket, time.Now().Add(2*time.Hour)))
	return signerOn(t, table), table
}
