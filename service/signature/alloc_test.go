//go:build !race

// The race detector allocates on its own account.

package signature_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
)

func TestSignAllocates(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts the allocations of the whole program
	ticket := secret.New(officialTicket)
	for name, row := range map[string]struct {
		page string
		most float64
	}{
		"usual page":   {benchPage, 1},
		"longest page": {"https://h5.example.org/?" + strings.Repeat("a", 2024), 2},
	} {
		got := testing.AllocsPerRun(1000, func() { signature.Sign(ticket, "NNNNNNNNNNNNNNNNNNNNNNNNNN", 1414587457, row.page) })
		if got > row.most {
			t.Errorf("%s: Sign allocates %v times, want at most %v", name, got, row.most)
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) { //nolint:paralleltest // as above
	_, table := many(t, 1000)
	got := testing.AllocsPerRun(1000, func() {
		view, found := table.Lookup(appID)
		if !found || view.Account.AppID != appID {
			t.Fatal("not found")
		}
	})
	if got > 0 {
		t.Errorf("Lookup allocates %v times", got)
	}
}

// A whole request is one text of nonce and signature, whatever the number of accounts.
func TestConfigAllocates(t *testing.T) { //nolint:paralleltest // as above
	for _, accounts := range []int{1, 1000} {
		signer, _ := many(t, accounts)
		for name, request := range map[string]signature.Request{
			"by app id": {URL: benchPage, AppID: appID},
			"by domain": {URL: benchPage},
		} {
			got := testing.AllocsPerRun(1000, func() {
				if _, err := signer.Config(request); err != nil {
					t.Fatal(err)
				}
			})
			if got > 1 {
				t.Errorf("%s among %d accounts: Config allocates %v times, want at most 1", name, accounts, got)
			}
		}
	}
}
