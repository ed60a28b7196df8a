package account_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
)

// counting counts what is asked of the database and what is written to it.
type counting struct {
	account.Store
	reads, writes *atomic.Int64
}

func count(s account.Store) counting { return counting{s, new(atomic.Int64), new(atomic.Int64)} }

func (c counting) Account(ctx context.Context, appID string) (model.Account, error) {
	c.reads.Add(1)
	return c.Store.Account(ctx, appID)
}

func (c counting) Accounts(ctx context.Context, after string, limit int) ([]model.Account, error) {
	c.reads.Add(1)
	return c.Store.Accounts(ctx, after, limit)
}

func (c counting) Misaligned(ctx context.Context) ([]model.Account, error) {
	c.reads.Add(1)
	return c.Store.Misaligned(ctx)
}

func (c counting) InsertAccounts(ctx context.Context, rows []model.Account) error {
	c.writes.Add(1)
	return c.Store.InsertAccounts(ctx, rows)
}

func (c counting) UpdateAccount(ctx context.Context, a model.Account, kinds []string) (bool, error) {
	c.writes.Add(1)
	return c.Store.UpdateAccount(ctx, a, kinds)
}

func (c counting) AlignCredentials(ctx context.Context, a model.Account, kinds []string) error {
	c.writes.Add(1)
	return c.Store.AlignCredentials(ctx, a, kinds)
}

func (c counting) ClearRemains(ctx context.Context, appIDs ...string) error {
	c.writes.Add(1)
	return c.Store.ClearRemains(ctx, appIDs...)
}

// numbered are accounts of a file.
func numbered(n int) []account.Settings {
	all := make([]account.Settings, n)
	for i := range all {
		all[i] = settings()
		all[i].AppID = fmt.Sprintf("wx%04d", i)
	}
	return all
}

// A start among thousands of accounts takes a few statements and writes nothing;
// one whose editor died half-way is mended, one that was changed is edited, and
// only those.
func TestRegisterManyIsFewStatements(t *testing.T) {
	t.Parallel()
	store, ring := newStore(t), newRing(t)
	all := numbered(2500)
	for _, step := range []struct {
		name          string
		prepare       func()
		reads, writes int64
	}{
		{"all new", func() {}, 5, 26}, // a page before, two after; 13 batches
		{"unchanged", func() {}, 3, 0},
		{"one half-way", func() {
			must(t, store.AlignCredentials(t.Context(), model.Account{AppID: "wx0500", ConfigRev: 1}, []string{"access_token"})) // lost two rows
		}, 3, 1},
		{"one changed, one gone", func() {
			all[1000].Name = "another"
			all = slices.Delete(all, 7, 8)
		}, 4, 2},
	} {
		step.prepare()
		counted := count(store)
		must(t, newRegistry(t, counted, ring).RegisterFile(t.Context(), all))
		if reads, writes := counted.reads.Load(), counted.writes.Load(); reads > step.reads || writes != step.writes {
			t.Errorf("%s: %d reads and %d writes, want %d and %d", step.name, reads, writes, step.reads, step.writes)
		}
	}
	want := map[string]int64{"access_token": 1, "jsapi": 1, "wx_card": 1}
	for _, appID := range []string{"wx0000", "wx0500", "wx2499"} {
		if diff := cmp.Diff(want, kinds(t, store, appID)); diff != "" {
			t.Errorf("%s: %s", appID, diff)
		}
	}
	if a, b := read(t, store, "wx0007"), read(t, store, "wx1000"); a.Enabled || b.Name != "another" || b.ConfigRev != 2 {
		t.Errorf("the account that is gone: %+v, the changed one: %+v", a, b)
	}
}

// Every replica has other accounts in its way: all end with each account once.
func TestReplicasThatRegisterManyTogether(t *testing.T) {
	t.Parallel()
	store, ring := newStore(t), newRing(t)
	all := numbered(700)
	var start sync.WaitGroup
	errs := make(chan error, 4)
	for i := range cap(errs) {
		own := slices.Clone(all)
		if i%2 == 1 {
			slices.Reverse(own) // batches of other accounts
		}
		start.Go(func() {
			r, err := account.New(account.Options{Store: store, Sealer: ring, SecretPlace: place})
			if err == nil {
				err = r.RegisterFile(t.Context(), own)
			}
			errs <- err
		})
	}
	start.Wait()
	close(errs)
	for err := range errs {
		must(t, err)
	}
	rows, err := store.Accounts(t.Context(), "", 1000)
	must(t, err)
	misaligned, err := store.Misaligned(t.Context())
	must(t, err)
	if len(rows) != len(all) || len(misaligned) != 0 {
		t.Errorf("%d accounts, %d without their credential rows", len(rows), len(misaligned))
	}
	for _, row := range rows {
		if row.ConfigRev != 1 {
			t.Errorf("account %s is edited: revision %d", row.AppID, row.ConfigRev)
		}
	}
}

// unlucky has something happen before each insert of accounts.
type unlucky struct {
	account.Store
	fate func(other account.Store, n int, rows []model.Account) error
	n    *int
}

func (u unlucky) InsertAccounts(ctx context.Context, rows []model.Account) error {
	*u.n++
	if err := u.fate(u.Store, *u.n, rows); err != nil {
		return err
	}
	return u.Store.InsertAccounts(ctx, rows)
}

func TestRegisterAfterTrouble(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		fate func(other account.Store, n int, rows []model.Account) error
		err  string
	}{
		"another was faster once": {func(other account.Store, n int, rows []model.Account) error {
			if n == 1 {
				return other.InsertAccounts(t.Context(), rows[1:2])
			}
			return nil
		}, ""},
		"a conflict twice": {func(_ account.Store, n int, _ []model.Account) error {
			if n <= 2 {
				return fmt.Errorf("insert: %w", model.ErrNotApplied)
			}
			return nil
		}, ""},
		"a conflict for ever": {func(account.Store, int, []model.Account) error { return model.ErrNotApplied }, "other replicas keep changing it"},
		"something else":      {func(account.Store, int, []model.Account) error { return broken }, "register accounts wx0000 to wx0002: broken"},
		"the answer is lost": {func(other account.Store, n int, rows []model.Account) error {
			return errors.Join(other.InsertAccounts(t.Context(), rows), broken)
		}, "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, ring := newStore(t), newRing(t)
			all := numbered(3)
			err := newRegistry(t, unlucky{store, c.fate, new(int)}, ring).RegisterFile(t.Context(), all)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				err = newRegistry(t, store, ring).RegisterFile(t.Context(), all) // the next start
			}
			must(t, err)
			for _, s := range all {
				if diff := cmp.Diff(map[string]int64{"access_token": 1, "jsapi": 1, "wx_card": 1}, kinds(t, store, s.AppID)); diff != "" {
					t.Errorf("%s: %s", s.AppID, diff)
				}
			}
		})
	}
}
