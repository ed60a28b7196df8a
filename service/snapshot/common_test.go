package snapshot_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/snapshot"
)

// profiled is an account whose profiles and tickets are in no other's memory.
func profiled(t testing.TB, appID string, profile snapshot.Profile) snapshot.Account {
	t.Helper()
	a := account(t, appID, "h5.example.com")
	a.Profiles = map[string]snapshot.Profile{"default": profile}
	return a
}

func TestAccountsShareWhatIsTheSame(t *testing.T) {
	t.Parallel()
	share := func() snapshot.Profile {
		return snapshot.Profile{JSAPIList: []string{"checkJsApi"}, OpenTagList: []string{}}
	}
	nullTags, debug, other := share(), share(), share()
	nullTags.OpenTagList, debug.Debug, other.JSAPIList = nil, true, []string{"scanQRCode"}
	for name, tt := range map[string]struct {
		second snapshot.Profile
		shared bool
	}{
		"the same":        {share(), true},
		"null, not empty": {nullTags, false},
		"debug":           {debug, false},
		"another list":    {other, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := snapshot.NewTable()
			table.PutAccounts(profiled(t, "wx1", share()))
			want := profiled(t, "wx2", tt.second)
			table.PutAccounts(want)
			first, second := lookup(t, table, "wx1").Account, lookup(t, table, "wx2").Account
			if diff := cmp.Diff(want.Profiles, second.Profiles); diff != "" {
				t.Errorf("profiles (-want +got):\n%s", diff)
			}
			at := func(a snapshot.Account) *string { return &a.Profiles["default"].JSAPIList[0] }
			if shared := at(first) == at(second); shared != tt.shared {
				t.Errorf("shared: %v, want %v", shared, tt.shared)
			}
			if &first.Tickets[0] != &second.Tickets[0] {
				t.Error("the tickets are not shared")
			}
		})
	}
}

// More sets of profiles than are remembered: nobody gets another's.
func TestManyKindsOfProfiles(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	name := func(i int) string { return fmt.Sprint("api", i%100) }
	for i := range 300 {
		table.PutAccounts(profiled(t, fmt.Sprint("wx", i), snapshot.Profile{JSAPIList: []string{name(i)}}))
	}
	for i := range 300 {
		got := lookup(t, table, fmt.Sprint("wx", i)).Account.Profiles["default"].JSAPIList
		if diff := cmp.Diff([]string{name(i)}, got); diff != "" {
			t.Errorf("wx%d (-want +got):\n%s", i, diff)
		}
	}
}
