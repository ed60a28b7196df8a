//go:build !race

package keeper_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// An account takes a kilobyte, token and ticket included: that is what ten thousand of
// them and more rest on. It runs alone, as there is one heap, and without the race
// detector, which needs memory of its own.
func TestMemoryOfAnAccount(t *testing.T) { //nolint:paralleltest // it runs alone
	const (
		accounts = 10_000
		most     = 1400 // bytes: the 1085 that were measured, and 30 %
	)
	keys, err := secret.ParseKeys(secret.NewKey())
	must(t, err)
	ring, err := secret.NewKeyring(keys...)
	must(t, err)
	table := snapshot.NewTable()
	k, err := keeper.New(keeper.Options{
		Store: struct{ keeper.Store }{}, WeChat: struct{ keeper.WeChat }{}, Table: table, Keyring: ring, Replica: "one",
	})
	must(t, err)
	before := heapInUse()
	if _, values := k.Restore(manyKept(t, accounts)); values != 2*accounts {
		t.Fatalf("%d values are served, want %d", values, 2*accounts)
	}
	each := (heapInUse() - before) / accounts
	t.Logf("%d bytes for each account", each)
	if each > most {
		t.Errorf("%d bytes for each account, want at most %d", each, most)
	}
	if each < 300 {
		t.Errorf("%d bytes for each account are less than its token and ticket: this measures nothing", each)
	}
	must(t, k.Stop(context.Background()))
	runtime.KeepAlive(table)
}

// manyKept are accounts that share nothing, as if each was read from a row of its own.
func manyKept(t *testing.T, n int) []snapshot.Kept {
	t.Helper()
	now := time.Now()
	end := now.Add(2 * time.Hour)
	kept := make([]snapshot.Kept, n)
	for i := range kept {
		pattern, err := pageurl.ParsePattern(fmt.Sprintf("page%d.example.com", i))
		must(t, err)
		kept[i].Account = snapshot.Account{
			AppID: fmt.Sprintf("wx%016d", i), Name: fmt.Sprintf("Shop %d", i), Platform: strings.Clone("official_account"), Enabled: true,
			Domains: []pageurl.Pattern{pattern}, Tickets: []string{snapshot.KindJSAPI}, Rev: 1,
			Profiles: map[string]snapshot.Profile{"default": {JSAPIList: []string{"updateAppMessageShareData"}, OpenTagList: []string{}}},
		}
		for kind, length := range map[string]int{snapshot.KindAccessToken: 136, snapshot.KindJSAPI: 86} { // as WeChat's are
			kept[i].Credentials = append(kept[i].Credentials, snapshot.Credential{
				Kind: kind, Value: secret.New(fmt.Sprintf("%s%d", strings.Repeat("x", length-10), 1e9+i)), Version: 1, PublishID: keeper.NewID(),
				IssuedAt: now.UnixMilli(), ExpiresAt: end.UnixMilli(), Deadline: end,
			})
		}
	}
	return kept
}

// heapInUse is what is alive, in bytes.
func heapInUse() int64 {
	var is runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one found is gone after the second
	runtime.ReadMemStats(&is)
	return int64(is.HeapAlloc)
}
