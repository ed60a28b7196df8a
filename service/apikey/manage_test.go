package apikey_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
)

func TestDraft(t *testing.T) {
	t.Parallel()
	many := make([]string, 501)
	for i := range many {
		many[i] = fmt.Sprintf("wx%d", i)
	}
	for name, change := range map[string]func(*apikey.Draft){
		"no name":           func(d *apikey.Draft) { d.Name = "" },
		"name with a blank": func(d *apikey.Draft) { d.Name = "the shop" },
		"long name":         func(d *apikey.Draft) { d.Name = strings.Repeat("a", 65) },
		"no scope":          func(d *apikey.Draft) { d.Scopes = nil },
		"unknown scope":     func(d *apikey.Draft) { d.Scopes = []string{"token", "admin"} },
		"empty scope":       func(d *apikey.Draft) { d.Scopes = []string{""} },
		"no account":        func(d *apikey.Draft) { d.Accounts = nil },
		"empty account":     func(d *apikey.Draft) { d.Accounts = []string{"wx1", ""} },
		"blank in account":  func(d *apikey.Draft) { d.Accounts = []string{"wx1 "} },
		"pattern":           func(d *apikey.Draft) { d.Accounts = many },
		"no network":        func(d *apikey.Draft) { d.CIDRs = []string{"10.0.0.0/33"} },
		"host name":         func(d *apikey.Draft) { d.CIDRs = []string{"localhost"} },
		"zone":              func(d *apikey.Draft) { d.CIDRs = []string{"fe80::1%eth0"} },
		"port":              func(d *apikey.Draft) { d.CIDRs = []string{"10.0.0.1:80"} },
		"every IPv4":        func(d *apikey.Draft) { d.CIDRs = []string{"10.0.0.1", "0.0.0.0/0"} },
		"every IPv6":        func(d *apikey.Draft) { d.CIDRs = []string{"::/0"} },
		"every IPv4 in v6":  func(d *apikey.Draft) { d.CIDRs = []string{"::ffff:0.0.0.0/96"} },
		"half of v6":        func(d *apikey.Draft) { d.CIDRs = []string{"::ffff:10.0.0.0/64"} },
		"a second":          func(d *apikey.Draft) { d.Life = time.Second },
		"negative":          func(d *apikey.Draft) { d.Life = -time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &table{}
			d := draft()
			change(&d)
			_, _, err := newKeys(t, s).Create(t.Context(), d, ann)
			wantError(t, err, apikey.ErrDraft)
			if len(s.rows) != 0 || len(s.entries) != 0 {
				t.Errorf("%d rows, %d audit entries", len(s.rows), len(s.entries))
			}
		})
	}
}

func TestCreateAndList(t *testing.T) {
	t.Parallel()
	s := &table{}
	k := newKeys(t, s)
	id, key := create(t, k, apikey.Draft{
		Name: "shop", Scopes: []string{"sign", "token", "token"}, Accounts: []string{"wx2", "wx1"},
		CIDRs: []string{"::ffff:10.1.2.3/104", "192.0.2.7", "192.0.2.7/32", "2001:db8::1/32"}, Life: time.Hour,
	})
	all, err := k.List(t.Context())
	must(t, err)
	want := []apikey.Key{{
		ID: id, Name: "shop", State: apikey.StateLive, Scopes: []string{"token", "sign"}, Accounts: []string{"wx1", "wx2"},
		CIDRs: []string{"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"}, CreatedBy: "ann",
	}}
	if diff := cmp.Diff(want, all, cmpopts.IgnoreFields(apikey.Key{}, "Created", "Expires")); diff != "" {
		t.Error(diff)
	}
	if life := all[0].Expires.Sub(all[0].Created); life != time.Hour {
		t.Errorf("it lives %s", life)
	}
	entry := audit.Entry{
		Actor: "ann", Address: "192.0.2.1", Action: apikey.ActionCreate, Target: id + " shop token,sign wx1,wx2", RequestID: "request-1",
	}
	if diff := cmp.Diff([]audit.Entry{entry}, s.entries); diff != "" {
		t.Error(diff)
	}
	if stored := fmt.Sprintf("%+v %+v", s.rows, s.entries); strings.Contains(stored, key) || strings.Contains(stored, key[4:36]) {
		t.Error("the key itself is stored")
	}
}

func TestTwoLiveKeysForRotation(t *testing.T) {
	t.Parallel()
	s := &table{}
	k := newKeys(t, s)
	first, old := create(t, k, draft())
	_, next := create(t, k, draft())
	_, _, err := k.Create(t.Context(), draft(), ann)
	wantError(t, err, apikey.ErrTwoLive)
	for _, key := range []string{old, next} {
		_, err := k.Authenticate(t.Context(), key)
		must(t, err)
	}
	must(t, k.Revoke(t.Context(), first, ann))
	wantError(t, k.Revoke(t.Context(), first, ann), apikey.ErrUnknown)
	wantError(t, k.Revoke(t.Context(), "nobody", ann), apikey.ErrUnknown)
	_, err = k.Authenticate(t.Context(), old)
	wantError(t, err, apikey.ErrInvalid)
	_, err = k.Authenticate(t.Context(), next)
	must(t, err)
	create(t, k, draft())
	all, err := k.List(t.Context())
	must(t, err)
	if all[0].State != apikey.StateRevoked || all[0].Revoked.IsZero() {
		t.Errorf("%+v", all[0])
	}
}

// No entry, no action.
func TestNothingIsDoneThatIsNotWrittenDown(t *testing.T) {
	t.Parallel()
	s := &table{}
	k := newKeys(t, s)
	id, key := create(t, k, draft())
	s.refuse = errors.New("the audit log is full")
	_, _, err := k.Create(t.Context(), draft(), ann)
	wantError(t, err, s.refuse)
	wantError(t, k.Revoke(t.Context(), id, ann), s.refuse)
	if len(s.rows) != 1 {
		t.Errorf("%d keys", len(s.rows))
	}
	_, err = k.Authenticate(t.Context(), key)
	must(t, err)
}

func TestNewWantsItsParts(t *testing.T) {
	t.Parallel()
	for _, o := range []apikey.Options{{}, {Store: &table{}}, {Audit: &table{}}} {
		if _, err := apikey.New(o); err == nil {
			t.Errorf("New(%+v) is content", o)
		}
	}
}
