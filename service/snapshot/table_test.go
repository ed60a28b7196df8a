package snapshot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

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

func account(t testing.TB, appID string, domains ...string) snapshot.Account {
	t.Helper()
	return snapshot.Account{AppID: appID, Enabled: true, Domains: patterns(t, domains...), Tickets: []string{snapshot.KindJSAPI}}
}

func credential(kind string, version int64) snapshot.Credential {
	return snapshot.Credential{Kind: kind, Value: secret.New(fmt.Sprint(kind, version)), Version: version}
}

// serving lists the accounts that come for a page, sorted, each once.
func serving(t testing.TB, table *snapshot.Table, page string) string {
	t.Helper()
	u, err := pageurl.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	var appIDs []string
	for view := range table.Serving(u) {
		appIDs = append(appIDs, view.Account.AppID)
	}
	slices.Sort(appIDs)
	return strings.Join(slices.Compact(appIDs), " ")
}

func lookup(t testing.TB, table *snapshot.Table, appID string) *snapshot.View {
	t.Helper()
	view, found := table.Lookup(appID)
	if !found {
		t.Fatalf("%s is not there", appID)
	}
	return view
}

func replaced(view *snapshot.View) bool {
	select {
	case <-view.Replaced():
		return true
	default:
		return false
	}
}

func TestEmptyTable(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	if view, found := table.Lookup("wx1"); found || view != nil {
		t.Error("an account out of nothing")
	}
	if table.Len() != 0 || serving(t, table, "https://h5.example.com/") != "" {
		t.Error("an empty table serves somebody")
	}
	for range table.All() {
		t.Error("an empty table holds somebody")
	}
	if table.PutCredential("wx1", credential(snapshot.KindJSAPI, 1)) || table.SetTrouble("wx1", snapshot.KindJSAPI, snapshot.Trouble{Failing: 1}) {
		t.Error("a change of an account that is not there")
	}
	table.Remove("wx1")
	table.PutAccounts()
	if table.Len() != 0 {
		t.Error("no change made an account")
	}
}

// Each change publishes a new view and wakes those who hold the old one, of
// that account only; the old view stays as it was.
func TestChangesReplaceTheView(t *testing.T) {
	t.Parallel()
	trouble := snapshot.Trouble{Errcode: 40164, Text: "add the IP", Failing: 2, NextTry: time.Unix(1414587457, 0)}
	for name, change := range map[string]func(*snapshot.Table){
		"account":             func(table *snapshot.Table) { table.PutAccounts(account(t, "wx1", "new.example.com")) },
		"same account again":  func(table *snapshot.Table) { table.PutAccounts(account(t, "wx1", "h5.example.com")) },
		"first credential":    func(table *snapshot.Table) { table.PutCredential("wx1", credential(snapshot.KindAccessToken, 1)) },
		"next credential":     func(table *snapshot.Table) { table.PutCredential("wx1", credential(snapshot.KindJSAPI, 8)) },
		"other trouble":       func(table *snapshot.Table) { table.SetTrouble("wx1", snapshot.KindJSAPI, trouble) },
		"trouble of a second": func(table *snapshot.Table) { table.SetTrouble("wx1", snapshot.KindAccessToken, trouble) },
		"trouble cleared":     func(table *snapshot.Table) { table.SetTrouble("wx1", snapshot.KindJSAPI, snapshot.Trouble{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := snapshot.NewTable()
			table.PutAccounts(account(t, "wx1", "h5.example.com"), account(t, "wx2", "other.example.com"))
			table.PutCredential("wx1", credential(snapshot.KindJSAPI, 7))
			table.SetTrouble("wx1", snapshot.KindJSAPI, snapshot.Trouble{Failing: 1})
			old, other := lookup(t, table, "wx1"), lookup(t, table, "wx2")
			before := picture(old)
			if replaced(old) {
				t.Fatal("the newest view says that it is replaced")
			}
			change(table)
			if diff := cmp.Diff(before, picture(old)); diff != "" {
				t.Errorf("the old view changed:\n%s", diff)
			}
			newest := lookup(t, table, "wx1")
			if newest == old || !replaced(old) || replaced(newest) {
				t.Error("no new view, or nobody was told")
			}
			if lookup(t, table, "wx2") != other || replaced(other) {
				t.Error("another account's view was replaced")
			}
		})
	}
}

// picture writes down all that a view shows.
func picture(v *snapshot.View) map[string]string {
	p := map[string]string{"account": fmt.Sprintf("%+v", v.Account)}
	for _, kind := range []string{snapshot.KindAccessToken, snapshot.KindJSAPI, snapshot.KindWXCard} {
		c, found := v.Credential(kind)
		p[kind] = fmt.Sprint(found, c.Version, c.Value.Reveal(), v.Trouble(kind), v.Keeps(kind))
	}
	return p
}

func TestCredentialsAndTroubles(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	table.PutAccounts(account(t, "wx1"))
	for version := range int64(3) {
		for _, kind := range []string{snapshot.KindAccessToken, snapshot.KindJSAPI} {
			if !table.PutCredential("wx1", credential(kind, version)) {
				t.Fatal("not taken")
			}
			if got, found := lookup(t, table, "wx1").Credential(kind); !found || got.Version != version {
				t.Errorf("%s: version %d, %t; want %d", kind, got.Version, found, version)
			}
		}
	}
	if _, found := lookup(t, table, "wx1").Credential(snapshot.KindWXCard); found {
		t.Error("a credential that was never put")
	}
	want := snapshot.Trouble{Errcode: -1, Text: "busy", Failing: 3}
	table.SetTrouble("wx1", snapshot.KindJSAPI, want)
	if got := lookup(t, table, "wx1").Trouble(snapshot.KindJSAPI); got != want {
		t.Errorf("trouble %+v, want %+v", got, want)
	}
	if got := lookup(t, table, "wx1").Trouble(snapshot.KindAccessToken); got != (snapshot.Trouble{}) {
		t.Errorf("the token has the ticket's trouble: %+v", got)
	}
	table.SetTrouble("wx1", snapshot.KindJSAPI, snapshot.Trouble{})
	if got := lookup(t, table, "wx1").Trouble(snapshot.KindJSAPI); got != (snapshot.Trouble{}) {
		t.Errorf("trouble stays: %+v", got)
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, row := range map[string]struct {
		credential snapshot.Credential
		want       bool
	}{
		"before its end":      {snapshot.Credential{Value: secret.New("v"), Deadline: now.Add(1)}, true},
		"at its end":          {snapshot.Credential{Value: secret.New("v"), Deadline: now}, false},
		"behind its end":      {snapshot.Credential{Value: secret.New("v"), Deadline: now.Add(-1)}, false},
		"without a deadline":  {snapshot.Credential{Value: secret.New("v")}, false},
		"without a value":     {snapshot.Credential{Deadline: now.Add(time.Hour)}, false},
		"with an empty value": {snapshot.Credential{Value: secret.New(""), Deadline: now.Add(time.Hour)}, false},
	} {
		if got := row.credential.Live(now); got != row.want {
			t.Errorf("%s: %t, want %t", name, got, row.want)
		}
	}
}

// An account that no longer keeps a ticket serves it no longer; its token and
// the tickets it keeps live on.
func TestTicketsNoLongerKeptAreDropped(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	a := account(t, "wx1")
	a.Tickets = []string{snapshot.KindJSAPI, snapshot.KindWXCard}
	table.PutAccounts(a)
	for _, kind := range []string{snapshot.KindAccessToken, snapshot.KindJSAPI, snapshot.KindWXCard} {
		table.PutCredential("wx1", credential(kind, 1))
	}
	old := lookup(t, table, "wx1")
	table.PutAccounts(account(t, "wx1")) // jsapi only
	view := lookup(t, table, "wx1")
	for kind, want := range map[string]bool{snapshot.KindAccessToken: true, snapshot.KindJSAPI: true, snapshot.KindWXCard: false} {
		if _, found := view.Credential(kind); found != want || view.Keeps(kind) != want {
			t.Errorf("%s: there %t, kept %t; want %t", kind, found, view.Keeps(kind), want)
		}
		if _, found := old.Credential(kind); !found {
			t.Errorf("%s: dropped from the old view", kind)
		}
	}
	table.PutAccounts(a)
	if _, found := lookup(t, table, "wx1").Credential(snapshot.KindWXCard); found {
		t.Error("the dropped ticket came back")
	}
}

func TestIndexFollowsTheDomains(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	table.PutAccounts(account(t, "wx1", "h5.example.com", "*.shop.example.com"), account(t, "wx2", "*.example.com", "127.0.0.1"),
		account(t, "wx3", "h5.example.com/path", "h5.example.com:8443", "[::1]", "*.商店.example"))
	for page, want := range map[string]string{
		"https://h5.example.com/":       "wx1 wx2 wx3", // wx3 by host; ports and paths are for Serves
		"https://a.shop.example.com/":   "wx1 wx2",
		"https://a.b.shop.example.com/": "wx1 wx2",
		"https://shop.example.com/":     "wx2",
		"https://example.com/":          "",
		"https://127.0.0.1/":            "wx2",
		"https://[::1]/":                "wx3",
		"https://a.商店.example/":         "wx3",
		"https://evil.example/":         "",
	} {
		if got := serving(t, table, page); got != want {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}

	table.PutAccounts(account(t, "wx1", "moved.example.org"))
	for page, want := range map[string]string{
		"https://h5.example.com/":     "wx2 wx3",
		"https://a.shop.example.com/": "wx2",
		"https://moved.example.org/":  "wx1",
	} {
		if got := serving(t, table, page); got != want {
			t.Errorf("after the move, %s: %q, want %q", page, got, want)
		}
	}

	removed := lookup(t, table, "wx1")
	table.Remove("wx1")
	if _, found := table.Lookup("wx1"); found || !replaced(removed) || table.Len() != 2 {
		t.Error("a removed account is still there, or nobody was told")
	}
	if got := serving(t, table, "https://moved.example.org/"); got != "" {
		t.Errorf("a removed account serves: %q", got)
	}
	if table.PutCredential("wx1", credential(snapshot.KindJSAPI, 1)) {
		t.Error("a removed account takes a credential")
	}
	table.Remove("wx1")

	table.PutAccounts(account(t, "wx1", "moved.example.org"))
	if again := lookup(t, table, "wx1"); replaced(again) || again == removed {
		t.Error("an account that came back has its old view")
	}
	var all []string
	for view := range table.All() {
		all = append(all, view.Account.AppID)
	}
	slices.Sort(all)
	if diff := cmp.Diff([]string{"wx1", "wx2", "wx3"}, all); diff != "" {
		t.Error(diff)
	}
}

func TestIteratorsStopWhenAsked(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	table.PutAccounts(account(t, "wx1", "h5.example.com", "*.example.com"), account(t, "wx2", "h5.example.com", "*.example.com"))
	u, err := pageurl.Parse("https://h5.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	for stopAt := 1; stopAt <= 4; stopAt++ {
		n := 0
		for range table.Serving(u) {
			if n++; n == stopAt {
				break
			}
		}
		if n != stopAt {
			t.Errorf("Serving gave %d views, want %d", n, stopAt)
		}
	}
	for range table.All() {
		break
	}
}

func TestServes(t *testing.T) {
	t.Parallel()
	a := account(t, "wx1", "h5.example.com/shop", "*.example.com:8443")
	for page, want := range map[string][2]bool{ // the page, its origin
		"https://h5.example.com/shop":   {true, true},
		"https://h5.example.com/":       {false, true},
		"https://a.example.com:8443/":   {true, true},
		"https://a.example.com/":        {false, false},
		"http://h5.example.com/shop":    {false, false},
		"https://evil.example/shop":     {false, false},
		"https://h5.example.com/shop/.": {false, true},
	} {
		u, err := pageurl.Parse(page)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{a.Serves(u), a.ServesOrigin(u)}; got != want {
			t.Errorf("%s: %v, want %v", page, got, want)
		}
	}
	if (&snapshot.Account{}).Serves(pageurl.URL{}) {
		t.Error("an account without domains serves a page")
	}
}
