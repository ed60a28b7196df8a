package signature_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

const request = "https://h5.example.com/"

// await runs AwaitConfig for at most 2 s of a bubble in which change happens
// after a while, and tells how long it took.
func await(t *testing.T, table *snapshot.Table, change func()) (signature.Config, time.Duration, error) {
	t.Helper()
	signer := signerOn(t, table)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if change != nil {
		time.AfterFunc(300*time.Millisecond, change)
	}
	start := time.Now()
	config, err := signer.AwaitConfig(ctx, signature.Request{URL: request})
	return config, time.Since(start), err
}

// notReady is the table of one account that has no ticket yet.
func notReady(t *testing.T) *snapshot.Table {
	t.Helper()
	table := snapshot.NewTable()
	table.PutAccounts(account(t, appID, "h5.example.com"))
	return table
}

func TestAwaitConfig(t *testing.T) {
	t.Parallel()
	hour := func() time.Time { return time.Now().Add(time.Hour) }
	for name, row := range map[string]struct {
		before func(*snapshot.Table)
		change func(*snapshot.Table)
		after  time.Duration
		want   error
	}{
		"nothing to wait for": {
			before: func(table *snapshot.Table) { table.PutCredential(appID, ticket("t", hour())) },
		},
		"wakes when the ticket is published": {
			change: func(table *snapshot.Table) { table.PutCredential(appID, ticket("t", hour())) },
			after:  300 * time.Millisecond,
		},
		"wakes when an expired ticket is renewed": {
			before: func(table *snapshot.Table) { table.PutCredential(appID, ticket("old", time.Now())) },
			change: func(table *snapshot.Table) { table.PutCredential(appID, ticket("t", hour())) },
			after:  300 * time.Millisecond,
		},
		"waits on over other changes": {
			change: func(table *snapshot.Table) {
				table.PutCredential(appID, snapshot.Credential{Kind: snapshot.KindAccessToken, Value: secret.New("token"), Deadline: hour()})
				time.Sleep(time.Second)
				table.PutCredential(appID, ticket("t", hour()))
			},
			after: 1300 * time.Millisecond,
		},
		"gives up at the end of ctx": {
			after: 2 * time.Second, want: signature.ErrTicketNotReady,
		},
		"gives up when the renewal fails for long": {
			change: func(table *snapshot.Table) {
				table.SetTrouble(appID, snapshot.KindJSAPI, snapshot.Trouble{Errcode: 40164, Failing: 1, NextTry: hour()})
			},
			after: 300 * time.Millisecond, want: signature.ErrTicketNotReady,
		},
		"does not wait when the next try is far": {
			before: func(table *snapshot.Table) {
				table.SetTrouble(appID, snapshot.KindJSAPI, snapshot.Trouble{Failing: 3, NextTry: hour()})
			},
			want: signature.ErrTicketNotReady,
		},
		"does not wait when the token's next try is far": {
			before: func(table *snapshot.Table) {
				table.SetTrouble(appID, snapshot.KindAccessToken, snapshot.Trouble{Failing: 3, NextTry: hour()})
			},
			want: signature.ErrTicketNotReady,
		},
		"waits when the next try is near": {
			before: func(table *snapshot.Table) {
				table.SetTrouble(appID, snapshot.KindJSAPI, snapshot.Trouble{Failing: 1, NextTry: time.Now().Add(time.Second)})
			},
			change: func(table *snapshot.Table) { table.PutCredential(appID, ticket("t", hour())) },
			after:  300 * time.Millisecond,
		},
		// Regression: a token in its last minutes that could not be renewed made
		// pages give up although it can still fetch a ticket.
		"waits when the failing token still lives": {
			before: func(table *snapshot.Table) {
				table.PutCredential(appID, snapshot.Credential{Kind: snapshot.KindAccessToken, Value: secret.New("token"), Deadline: hour()})
				table.SetTrouble(appID, snapshot.KindAccessToken, snapshot.Trouble{Failing: 3, NextTry: hour()})
			},
			change: func(table *snapshot.Table) { table.PutCredential(appID, ticket("t", hour())) },
			after:  300 * time.Millisecond,
		},
		"the account is removed": {
			change: func(table *snapshot.Table) { table.Remove(appID) },
			after:  300 * time.Millisecond, want: signature.ErrDomainNotAllowed,
		},
		"the account is disabled": {
			change: func(table *snapshot.Table) {
				a := account(t, appID, "h5.example.com")
				a.Enabled = false
				table.PutAccounts(a)
			},
			after: 300 * time.Millisecond, want: signature.ErrAccountDisabled,
		},
		"the account keeps no ticket": {
			before: func(table *snapshot.Table) {
				a := account(t, appID, "h5.example.com")
				a.Tickets = nil
				table.PutAccounts(a)
			},
			want: signature.ErrTicketNotConfigured,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				table := notReady(t)
				if row.before != nil {
					row.before(table)
				}
				var change func()
				if row.change != nil {
					change = func() { row.change(table) }
				}
				config, took, err := await(t, table, change)
				if !errors.Is(err, row.want) || took != row.after {
					t.Fatalf("%v after %s, want %v after %s", err, took, row.want, row.after)
				}
				if err == nil && config.Signature != signature.Sign(secret.New("t"), config.NonceStr, config.Timestamp, request) {
					t.Error("the signature is not that of the new ticket")
				}
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := notReady(t)
		signer := signerOn(t, table)
		retryAfter := func() time.Duration {
			_, err := signer.Config(signature.Request{URL: request})
			var e *signature.NotReady
			if !errors.As(err, &e) {
				t.Fatalf("%v is no NotReady", err)
			}
			return e.RetryAfter
		}
		if got := retryAfter(); got != time.Second {
			t.Errorf("nothing known: %s, want 1s", got)
		}
		table.SetTrouble(appID, snapshot.KindAccessToken, snapshot.Trouble{Failing: 1, NextTry: time.Now().Add(time.Minute)})
		table.SetTrouble(appID, snapshot.KindJSAPI, snapshot.Trouble{Failing: 1, NextTry: time.Now().Add(20 * time.Second)})
		if got := retryAfter(); got != time.Minute {
			t.Errorf("both fail: %s, want the later try", got)
		}
		table.SetTrouble(appID, snapshot.KindAccessToken, snapshot.Trouble{})
		if got := retryAfter(); got != 20*time.Second {
			t.Errorf("the ticket fails: %s, want 20s", got)
		}
		time.Sleep(time.Minute)
		if got := retryAfter(); got != time.Second {
			t.Errorf("the try is overdue: %s, want 1s", got)
		}
	})
}
