package signature_test

import (
	"errors"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

// Whose a page is does not depend on tickets.
func TestOwner(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	off := account(t, "wxoff", "off.example.com")
	off.Enabled = false
	table.PutAccounts(account(t, "wxa", "a.example.com", "both.example.com"), account(t, "wxb", "both.example.com"), off)
	signer := signerOn(t, table)
	for _, tt := range []struct {
		name    string
		request signature.Request
		owner   string
		want    error
	}{
		{"the only one", signature.Request{URL: "https://a.example.com/x#y"}, "wxa", nil},
		{"the one that is named", signature.Request{URL: "https://both.example.com/", AppID: "wxb"}, "wxb", nil},
		{"one of two", signature.Request{URL: "https://both.example.com/"}, "", signature.ErrAccountAmbiguous},
		{"nobody", signature.Request{URL: "https://c.example.com/"}, "", signature.ErrDomainNotAllowed},
		{"another's page", signature.Request{URL: "https://a.example.com/", AppID: "wxb"}, "", signature.ErrDomainNotAllowed},
		{"disabled", signature.Request{URL: "https://off.example.com/"}, "", signature.ErrAccountDisabled},
		{"no page", signature.Request{URL: "javascript:alert(1)"}, "", pageurl.ErrInvalid},
	} {
		owner, err := signer.Owner(tt.request)
		if owner != tt.owner || !errors.Is(err, tt.want) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.name, owner, err, tt.owner, tt.want)
		}
	}
}
