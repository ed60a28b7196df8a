package snapshot_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/snapshot"
)

// The work of finding a page's account does not grow with the number of
// accounts: no more views come, and none of them is a stranger's.
func TestServingIsIndependentOfTheNumberOfAccounts(t *testing.T) {
	t.Parallel()
	u, err := pageurl.Parse("https://h5.shop.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	for _, strangers := range []int{0, 10, 5000} {
		table := snapshot.NewTable()
		all := []snapshot.Account{account(t, "wx-exact", "h5.shop.example.com"), account(t, "wx-star", "*.example.com")}
		for i := range strangers {
			all = append(all, account(t, fmt.Sprint("wx", i), fmt.Sprintf("x%d.shop.example.com", i), fmt.Sprintf("*.s%d.example.com", i)))
		}
		table.PutAccounts(all...)
		views := 0
		for range table.Serving(u) {
			views++
		}
		if views != 2 {
			t.Errorf("among %d strangers %d views were looked at, want 2", strangers, views)
		}
	}
}

// One writer, a thousand readers: nobody sees half of a change, nobody goes
// back in time, and nobody who waits is forgotten. Meant for the race detector.
func TestReadersWhileWriting(t *testing.T) {
	t.Parallel()
	const readers, versions = 1000, 300
	table := snapshot.NewTable()
	table.PutAccounts(account(t, "wx1", "h5.example.com"))
	u, err := pageurl.Parse("https://h5.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for seen := int64(0); seen < versions; {
				view, found := table.Lookup("wx1")
				if !found {
					t.Error("the account is gone")
					return
				}
				c, _ := view.Credential(snapshot.KindJSAPI)
				if c.Version < seen || c.Version > 0 && c.Value.Reveal() != fmt.Sprint(snapshot.KindJSAPI, c.Version) {
					t.Errorf("version %d after %d, value %q", c.Version, seen, c.Value.Reveal())
					return
				}
				if seen = c.Version; seen == versions {
					return
				}
				for served := range table.Serving(u) {
					if now, _ := served.Credential(snapshot.KindJSAPI); served.Account.AppID == "wx1" && now.Version < seen {
						t.Errorf("Serving gave version %d after %d", now.Version, seen)
						return
					}
				}
				<-view.Replaced() // a wake that is lost stops the test here
			}
		})
	}
	for version := range int64(versions) {
		table.PutCredential("wx1", credential(snapshot.KindJSAPI, version+1))
		switch version % 3 {
		case 0:
			table.SetTrouble("wx1", snapshot.KindAccessToken, snapshot.Trouble{Failing: int(version) + 1})
		case 1:
			table.PutAccounts(account(t, "wx1", "h5.example.com", "*.example.com"), account(t, fmt.Sprint("wx-", version), "h5.example.com"))
		default:
			table.Remove(fmt.Sprint("wx-", version-1))
		}
	}
	group.Wait()
}
