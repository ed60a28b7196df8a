package signature_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

// many is a signer of as many accounts, the last of which is appID.
func many(t testing.TB, accounts int) (*signature.Signer, *snapshot.Table) {
	t.Helper()
	table := snapshot.NewTable()
	all := make([]snapshot.Account, 0, accounts)
	for i := range accounts - 1 {
		all = append(all, account(t, fmt.Sprint("wx", i), fmt.Sprintf("h%d.example.com", i), fmt.Sprintf("*.s%d.example.com", i)))
	}
	table.PutAccounts(append(all, account(t, appID, "h5.example.org"))...)
	table.PutCredential(appID, ticket(officialTicket, time.Now().Add(24*time.Hour)))
	return signerOn(t, table), table
}

const benchPage = "https://h5.example.org/%E5%88%86%E4%BA%AB?x=%E4%B8%AD&from=singlemessage"

func BenchmarkSign(b *testing.B) {
	ticket := secret.New(officialTicket)
	b.ReportAllocs()
	for b.Loop() {
		signature.Sign(ticket, "NNNNNNNNNNNNNNNNNNNNNNNNNN", 1414587457, benchPage)
	}
}

func BenchmarkConfig(b *testing.B) {
	for _, accounts := range []int{1, 10000} {
		signer, _ := many(b, accounts)
		for _, byAppID := range []bool{true, false} {
			request := signature.Request{URL: benchPage}
			if byAppID {
				request.AppID = appID
			}
			b.Run(fmt.Sprintf("by_app_id=%t/accounts=%d", byAppID, accounts), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := signer.Config(request); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkConfigParallel(b *testing.B) {
	signer, _ := many(b, 100)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := signer.Config(signature.Request{URL: benchPage, AppID: appID}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	_, table := many(b, 10000)
	b.ReportAllocs()
	for b.Loop() {
		if _, found := table.Lookup(appID); !found {
			b.Fatal("not found")
		}
	}
}
