package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/audit"
)

// world is a log on a database that somebody can also reach past it.
type world struct {
	*testing.T
	log   *audit.Log
	other *audit.Log // of another replica
	db    *sql.DB
}

func eachEngine(t *testing.T, test func(w world)) {
	t.Helper()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			dsn := engine.Empty(t)[0]
			w := world{T: t}
			for _, log := range []**audit.Log{&w.log, &w.other} {
				store := modeltest.Connect(t, engine.Driver, dsn)
				if _, err := store.MigrateUp(t.Context()); err != nil {
					t.Fatal(err)
				}
				var err error
				if *log, err = audit.New(store); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if w.db, err = sql.Open(engine.Driver, dsn); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = w.db.Close() })
			test(w)
		})
	}
}

func (w world) record(n int) {
	w.Helper()
	for i := range n {
		err := w.log.Record(w.Context(), audit.Entry{
			Actor: "ann", Action: audit.SignIn, Target: fmt.Sprint("target ", i), Address: "::1",
			RequestID: "r",
		})
		if err != nil {
			w.Fatal(err)
		}
	}
}

func (w world) verdict() audit.Verdict {
	w.Helper()
	v, err := w.log.Verify(w.Context(), 0, "")
	if err != nil {
		w.Fatal(err)
	}
	return v
}

func (w world) tamper(statement string) {
	w.Helper()
	if _, err := w.db.ExecContext(w.Context(), statement); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
}

func TestChainIsIntact(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(w world) {
		w.Helper()
		if v := w.verdict(); v.Broken != "" || v.Checked != 0 || v.Seq != 0 {
			w.Errorf("an empty log: %+v", v)
		}
		w.record(5)
		v := w.verdict()
		if v.Broken != "" || v.Seq != 5 || v.Checked != 5 || len(v.Hash) != 64 || v.At.IsZero() || v.Next != 0 {
			w.Errorf("five entries: %+v", v)
		}
		if again, err := w.log.Verify(w.Context(), 6, v.Hash); err != nil || again.Broken != "" || again.Seq != 5 {
			w.Errorf("from the end on: %+v, %v", again, err)
		}
		for _, from := range []int64{3, 7, 999} {
			if _, err := w.log.Verify(w.Context(), from, ""); !errors.Is(err, audit.ErrPlace) {
				w.Errorf("from %d on, behind nothing: %v", from, err)
			}
		}
		if _, err := w.log.Verify(w.Context(), 999, v.Hash); !errors.Is(err, audit.ErrPlace) {
			w.Errorf("behind the end: %v", err)
		}
		if v, err := w.log.Verify(w.Context(), 3, strings.Repeat("0", 64)); err != nil || v.Broken != audit.Unlinked {
			w.Errorf("behind another entry: %+v, %v", v, err)
		}
	})
}

// Whatever is done to the table past the log shows, and where.
func TestTamperingShows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statements []string
		broken     audit.Break
		seq        int64 // the last good entry
	}{
		"actor":      {[]string{"UPDATE audit SET actor = 'bob' WHERE seq = 4"}, audit.Changed, 3},
		"time":       {[]string{"UPDATE audit SET at_ms = at_ms - 1 WHERE seq = 4"}, audit.Changed, 3},
		"request id": {[]string{"UPDATE audit SET request_id = '' WHERE seq = 1"}, audit.Changed, 0},
		"moved word": {[]string{"UPDATE audit SET actor = 'an', address = 'n::1' WHERE seq = 2"}, audit.Changed, 1},
		"new hash":   {[]string{"UPDATE audit SET hash = '" + strings.Repeat("0", 64) + "' WHERE seq = 4"}, audit.Changed, 3},
		"taken out":  {[]string{"DELETE FROM audit WHERE seq = 4"}, audit.Missing, 3},
		"first":      {[]string{"DELETE FROM audit WHERE seq = 1"}, audit.Missing, 0},
		"gap closed": {[]string{
			"DELETE FROM audit WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5",
			"UPDATE audit SET seq = 5 WHERE seq = 6",
		}, audit.Unlinked, 3},
		"unchained":    {[]string{"UPDATE audit SET seq = NULL WHERE seq = 4"}, audit.Missing, 3},
		"cut":          {[]string{"DELETE FROM audit WHERE seq > 4"}, audit.Cut, 4},
		"all":          {[]string{"DELETE FROM audit"}, audit.Cut, 0},
		"head put on":  {[]string{"UPDATE turn SET seq = 9 WHERE name = 'audit'"}, audit.Cut, 6},
		"head's hash":  {[]string{"UPDATE turn SET hash = 'x' WHERE name = 'audit'"}, audit.Cut, 6},
		"head and cut": {[]string{"DELETE FROM audit WHERE seq = 6", "UPDATE turn SET seq = 5 WHERE name = 'audit'"}, audit.Cut, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(w world) {
				w.Helper()
				w.record(6)
				for _, statement := range c.statements {
					w.tamper(statement)
				}
				if v := w.verdict(); v.Broken != c.broken || v.Seq != c.seq {
					w.Errorf("%+v, want %s behind %d", v, c.broken, c.seq)
				}
			})
		})
	}
}

// Replicas that write at the same instant make one chain.
func TestReplicasShareOneChain(t *testing.T) {
	t.Parallel()
	const writers, each = 4, 10
	eachEngine(t, func(w world) {
		w.Helper()
		var writing sync.WaitGroup
		for i := range 2 * writers {
			log := []*audit.Log{w.log, w.other}[i%2]
			writing.Go(func() {
				for range each {
					if err := log.Record(w.Context(), audit.Entry{Actor: fmt.Sprint(i), Action: audit.SignIn}); err != nil {
						w.Error(err)
					}
				}
			})
		}
		writing.Wait()
		if v := w.verdict(); v.Broken != "" || v.Checked != 2*writers*each {
			w.Errorf("%+v, want %d entries in one chain", v, 2*writers*each)
		}
	})
}

// Texts that people type do not cost an entry, and what is stored is what was
// hashed.
func TestEntriesOfAnyText(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(w world) {
		w.Helper()
		for _, text := range []string{
			"", "\xff\xfe", "a\x00b", strings.Repeat("长", 400), "'; DROP TABLE audit; --", "é\u0301", "😀",
			" trailing ",
		} {
			entry := audit.Entry{Actor: text, Address: text, Action: audit.Action(text), Target: text, RequestID: text}
			if err := w.log.Record(w.Context(), entry); err != nil {
				w.Errorf("%.20q: %v", text, err)
			}
		}
		if v := w.verdict(); v.Broken != "" || v.Checked != 8 {
			w.Errorf("%+v", v)
		}
		page, err := w.log.Page(w.Context(), audit.Filter{}, "")
		if err != nil || len(page.Lines) != 8 {
			w.Fatalf("%d lines, %v", len(page.Lines), err)
		}
		for _, line := range page.Lines {
			if line.Broken != "" {
				w.Errorf("%.20q is called %s", line.Actor, line.Broken)
			}
		}
	})
}

// A page marks what is wrong with its own lines.
func TestPageMarksLines(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(w world) {
		w.Helper()
		w.record(5)
		w.tamper("UPDATE audit SET target = 'x' WHERE seq = 2")
		w.tamper("UPDATE audit SET prev_hash = 'x' WHERE seq = 4")
		page, err := w.log.Page(w.Context(), audit.Filter{}, "")
		if err != nil {
			w.Fatal(err)
		}
		broken := map[int64]audit.Break{}
		for _, line := range page.Lines {
			if line.Broken != "" {
				broken[line.Seq] = line.Broken
			}
		}
		if len(broken) != 2 || broken[2] != audit.Changed || broken[4] == "" {
			w.Errorf("marked %v", broken)
		}
		if _, err := w.log.Page(w.Context(), audit.Filter{}, "nowhere"); !errors.Is(err, audit.ErrPlace) {
			w.Errorf("a place that is none: %v", err)
		}
	})
}

// busy is a store where another entry is always faster.
type busy struct{ audit.Store }

func (busy) AuditHead(context.Context) (model.AuditHead, error) { return model.AuditHead{}, nil }

func (busy) AddAudit(context.Context, model.AuditHead, model.Audit) (bool, error) { return false, nil }

func TestRecordGivesUp(t *testing.T) {
	t.Parallel()
	log, err := audit.New(busy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Record(t.Context(), audit.Entry{}); err == nil || !strings.Contains(err.Error(), "not done") {
		t.Errorf("without an entry: %v", err)
	}
}
