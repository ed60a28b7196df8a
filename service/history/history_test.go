package history_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/history"
)

func newDesk(t *testing.T) (*history.Desk, *model.Store) {
	t.Helper()
	store := modeltest.Open(t, modeltest.Engines()[0])
	desk, err := history.New(store)
	if err != nil {
		t.Fatal(err)
	}
	return desk, store
}

func TestPage(t *testing.T) {
	t.Parallel()
	desk, store := newDesk(t)
	for i := range history.PageSize + 3 {
		err := store.AddHistory(t.Context(), model.History{
			AttemptID: fmt.Sprint(i), AtMs: int64(1000 + i), AppID: "wx", Kind: "jsapi", Version: int64(i), TriggerName: model.TriggerSchedule,
			Actor: "r", Outcome: model.OutcomeFailed, Errcode: 45011, Errmsg: "too often — Wait a minute.", RID: "rid", LatencyMs: 12, ExpiresMs: 5000, Fingerprint: "0badcafe",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := desk.Page(t.Context(), history.Filter{}, "")
	if err != nil || len(first.Rows) != history.PageSize || first.Next == "" || !first.Until.IsZero() {
		t.Fatalf("first page: %d rows, next %q, until %v, %v", len(first.Rows), first.Next, first.Until, err)
	}
	want := history.Row{
		ID: first.Rows[0].ID, At: time.UnixMilli(1052), Account: "wx", Kind: "jsapi", Version: 52,
		Trigger: "schedule", Actor: "r", Outcome: "failed", Errcode: 45011,
		Errmsg: "too often", Mend: "Wait a minute.", RID: "rid", Latency: 12 * time.Millisecond, Expires: time.UnixMilli(5000), Fingerprint: "0badcafe",
	}
	if diff := cmp.Diff(want, first.Rows[0]); diff != "" {
		t.Errorf("the newest row: %s", diff)
	}
	second, err := desk.Page(t.Context(), history.Filter{}, first.Next)
	if err != nil || len(second.Rows) != 3 || second.Next != "" {
		t.Errorf("second page: %d rows, next %q, %v", len(second.Rows), second.Next, err)
	}
	if _, err := desk.Page(t.Context(), history.Filter{}, "nowhere"); !errors.Is(err, history.ErrPlace) {
		t.Errorf("a place that is none: %v", err)
	}
}

// How an account is, from its rows and the database's clock.
func TestStates(t *testing.T) {
	t.Parallel()
	const now, hour = 100_000_000, 3_600_000
	live := model.CredentialState{Version: 1, IssuedMs: now - hour, ExpiresMs: now + hour}
	with := func(c model.CredentialState, kind string, change func(*model.CredentialState)) model.CredentialState {
		c.Kind = kind
		if change != nil {
			change(&c)
		}
		return c
	}
	failing := func(c *model.CredentialState) { c.FailCount, c.FailText = 2, "what — mend" }
	for name, c := range map[string]struct {
		credentials []model.CredentialState
		disabled    bool
		want        history.State
		left        time.Duration // of the first
	}{
		"fine":          {[]model.CredentialState{with(live, "access_token", nil), with(live, "jsapi", nil)}, false, history.Fine, time.Hour},
		"no rows yet":   {nil, false, history.Waiting, 0},
		"never fetched": {[]model.CredentialState{{Kind: "access_token"}}, false, history.Waiting, 0},
		"fetch fails":   {[]model.CredentialState{with(model.CredentialState{}, "access_token", failing)}, false, history.Down, 0},
		"renewal fails": {[]model.CredentialState{with(live, "access_token", failing)}, false, history.Failing, time.Hour},
		"one of two fails": {
			[]model.CredentialState{with(live, "access_token", nil), with(live, "jsapi", failing)}, false, history.Failing, time.Hour,
		},
		"expired":  {[]model.CredentialState{with(live, "access_token", func(c *model.CredentialState) { c.ExpiresMs = now })}, false, history.Down, 0},
		"dead":     {[]model.CredentialState{with(live, "access_token", func(c *model.CredentialState) { c.Dead = true })}, false, history.Down, 0},
		"disabled": {[]model.CredentialState{with(live, "access_token", failing)}, true, history.Disabled, time.Hour},
	} {
		store := rows{now: now, states: []model.AccountState{{AppID: "wx", Enabled: !c.disabled, Credentials: c.credentials}}}
		desk, err := history.New(store)
		if err != nil {
			t.Fatal(err)
		}
		page, err := desk.Accounts(t.Context(), "")
		if err != nil || len(page.List) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		account := page.List[0]
		if account.State != c.want {
			t.Errorf("%s: %s, want %s", name, account.State, c.want)
		}
		if len(c.credentials) > 0 && account.Credentials[0].Left != c.left {
			t.Errorf("%s: %v left, want %v", name, account.Credentials[0].Left, c.left)
		}
	}
}

// rows is a store with just these rows, for what no clock can be waited for.
type rows struct {
	history.Store
	now    int64
	states []model.AccountState
}

func (r rows) AccountStates(context.Context, string, int) ([]model.AccountState, int64, error) {
	return r.states, r.now, nil
}

func (r rows) FailingSince(context.Context, string, string) (int64, error) { return r.now - 1, nil }

func FuzzPlace(f *testing.F) {
	for _, seed := range []string{"", "1-1", "1700000000000-42", "-1-1", "1", "9223372036854775808-1", "1-0", "a-b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := history.ParsePlace(text)
		if err != nil || text == "" {
			return
		}
		again, err := history.ParsePlace(history.FormatPlace(key))
		if err != nil || again != key || key.AtMs <= 0 || key.ID <= 0 {
			t.Errorf("%q is the place %+v, which is written %q", text, key, history.FormatPlace(key))
		}
	})
}
