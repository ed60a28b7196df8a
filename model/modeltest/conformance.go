package modeltest

import (
	"crypto/rand"
	"maps"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
)

// Conformance holds one engine to what the rest of the program relies on, by
// the store's own methods alone. open gives an empty store with the present
// schema; it is called once per group of tests.
func Conformance(t *testing.T, open func(t testing.TB) *model.Store) {
	t.Helper()
	for name, cases := range map[string]map[string]func(subject){
		"claim":     claimCases(),
		"publish":   publishCases(),
		"unchanged": unchangedCases(),
		"fail":      failCases(),
		"force":     forceCases(),
		"dead":      deadCases(),
		"heal":      healCases(),
		"tended":    tendedCases(),
		"account":   accountCases(),
		"history":   historyCases(),
		"qa report": reportCases(),
		"doubt":     doubtCases(),
		"probe":     probeCases(),
		"request":   requestCases(),
		"issued":    issuedCases(),
		"clock set": shiftCases(),
		"align":     alignCases(),
		"delivery":  deliveryCases(),
		"alert":     alertCases(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			for name, check := range cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					check(newSubject(t, store))
				})
			}
		})
	}
	for name, check := range wholeStoreCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

// wholeStoreCases need a store to themselves: they count or list all rows.
func wholeStoreCases() map[string]func(*testing.T, *model.Store) {
	all := map[string]func(*testing.T, *model.Store){"one winner per fence": raceCase}
	for _, cases := range []map[string]func(*testing.T, *model.Store){
		clockCases(), dueCases(), followCases(), listCases(), keyCases(), purgeCases(), deliveryPurgeCases(), alertStoreCases(),
	} {
		maps.Copy(all, cases)
	}
	return all
}

const (
	token = "access_token"
	jsapi = "jsapi"
	// lease is long enough to outlast any test, in milliseconds.
	lease = 600_000
	// hour in milliseconds.
	hour = 3_600_000
)

// subject is one account of a test's own in a store, and what tests do to it.
// Its methods fail the test where the store does.
type subject struct {
	testing.TB
	store *model.Store
	appID string
}

// newSubject inserts an account with a token and a jsapi ticket, both due.
func newSubject(t testing.TB, store *model.Store) subject {
	t.Helper()
	x := subject{TB: t, store: store, appID: "wx" + strings.ToLower(rand.Text())}
	x.ok(store.InsertAccount(t.Context(), account(x.appID), []string{token, jsapi}))
	return x
}

// account is a row that every engine takes.
func account(appID string) model.Account {
	return model.Account{
		AppID: appID, Name: "示例", Platform: "official_account", Origin: model.OriginFile, Enabled: true,
		SecretEnc: []byte{1, 0, 255}, KeyID: "0badcafe", TokenMode: "stable",
		Tickets: model.Strings{jsapi}, Domains: model.Strings{"h5.example.com"},
	}
}

func (x subject) ok(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// yes fails the test unless a guarded write took effect.
func (x subject) yes(done bool, err error) {
	x.Helper()
	x.ok(err)
	if !done {
		x.Fatal("it had no effect, want one")
	}
}

// no fails the test if a guarded write took effect.
func (x subject) no(done bool, err error) {
	x.Helper()
	x.ok(err)
	if done {
		x.Fatal("it had an effect, want none")
	}
}

func (x subject) tended() model.Tended {
	x.Helper()
	t, err := x.store.Tended(x.Context(), x.appID)
	x.ok(err)
	return t
}

// row reads the credential of a kind.
func (x subject) row(kind string) model.Credential {
	x.Helper()
	t := x.tended()
	row := t.Credential(kind)
	if row == nil {
		x.Fatalf("no row of kind %s", kind)
	}
	return *row
}

func (x subject) now() int64 {
	x.Helper()
	now, err := x.store.Now(x.Context())
	x.ok(err)
	return now
}

// grant is what a contender for the token would claim with now.
func (x subject) grant(owner string) model.Grant { return x.grantOf(token, owner) }

func (x subject) grantOf(kind, owner string) model.Grant {
	x.Helper()
	row := x.row(kind)
	return model.Grant{
		AppID: x.appID, Kind: kind, Owner: owner,
		Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev, AskedMs: row.AskedMs,
	}
}

// claim wins the token for a long time.
func (x subject) claim(owner string) model.Grant { return x.claimOf(token, owner) }

func (x subject) claimOf(kind, owner string) model.Grant {
	x.Helper()
	g := x.grantOf(kind, owner)
	x.yes(x.store.Claim(x.Context(), g, lease))
	return g
}

// publication is a new value with two hours to live that is due again after
// nextMs.
func (x subject) publication(nextMs int64) model.Publication {
	x.Helper()
	now := x.now()
	return model.Publication{
		PublishID: id(), ValueEnc: []byte("sealed"), KeyID: "0badcafe", ValueHash: hash(),
		IssuedMs: now, ExpiresMs: now + 2*hour, LifeMs: 2 * hour, NextRefreshMs: now + nextMs,
	}
}

// publish claims the token and publishes a value that is due after nextMs.
func (x subject) publish(nextMs int64) model.Publication {
	x.Helper()
	g := x.claim("publisher/" + id())
	p := x.publication(nextMs)
	x.yes(x.store.Publish(x.Context(), g, p))
	return p
}

// fail claims a kind and ends the claim with a failure.
func (x subject) fail(kind string, backoffMs int64) {
	x.Helper()
	g := x.claimOf(kind, "failer/"+id())
	x.yes(x.store.Fail(x.Context(), g, model.Failure{Errcode: 40164, Text: "not in whitelist", BackoffMs: backoffMs}))
}

// edit raises the account's revision, as any edit does.
func (x subject) edit() {
	x.Helper()
	a, err := x.store.Account(x.Context(), x.appID)
	x.ok(err)
	x.yes(x.store.UpdateAccount(x.Context(), a, []string{token, jsapi}))
}

// id is as long as a publish or attempt id, hash as a SHA-256 in hex.
func id() string   { return strings.ToLower(rand.Text() + rand.Text())[:32] }
func hash() string { return id() + id() }
