package model_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// link makes the entry that would come behind a head.
func link(head model.AuditHead, actor, target string) model.Audit {
	seq := head.Seq + 1
	return model.Audit{
		Seq: &seq, AtMs: head.NowMs, Actor: actor, Action: "act", Target: target, Address: "::1", RequestID: "r",
		PrevHash: head.Hash, Hash: fmt.Sprintf("%064d", seq),
	}
}

func TestAuditChain(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		var want []model.Audit
		for i := range 5 {
			head, err := s.AuditHead(t.Context())
			must(t, err)
			if head.Seq != int64(i) || head.NowMs == 0 {
				t.Fatalf("head %+v before entry %d", head, i+1)
			}
			entry := link(head, "ann", fmt.Sprint("wx", i))
			added, err := s.AddAudit(t.Context(), head, entry)
			if err != nil || !added {
				t.Fatalf("entry %d: %v, %v", i+1, added, err)
			}
			if added, err = s.AddAudit(t.Context(), head, entry); err != nil || added {
				t.Errorf("behind a head that was: %v, %v", added, err)
			}
			entry.ID = int64(i + 1)
			want = append(want, entry)
		}
		got, err := s.AuditChain(t.Context(), 2, 3)
		must(t, err)
		for i := range got {
			got[i].ID = *got[i].Seq
		}
		if diff := cmp.Diff(want[1:4], got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAuditPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		targets := []string{"x", "y", "z with details"}
		for i := range 30 {
			head, err := s.AuditHead(t.Context())
			must(t, err)
			entry := link(head, []string{"ann", "bob"}[i%2], targets[i%3])
			entry.AtMs = int64(1000 + i/4)
			added, err := s.AddAudit(t.Context(), head, entry)
			if err != nil || !added {
				t.Fatal(added, err)
			}
		}
		for name, c := range map[string]struct {
			filter model.AuditFilter
			want   int
		}{
			"all": {model.AuditFilter{}, 30}, "actor": {model.AuditFilter{Actor: "ann"}, 15}, "target": {model.AuditFilter{Target: "x"}, 10},
			"its first word": {model.AuditFilter{Target: "z"}, 10}, "all of it": {model.AuditFilter{Target: "z with details"}, 10},
			"some words": {model.AuditFilter{Target: "z with"}, 10}, "a part of a word": {model.AuditFilter{Target: "z wit"}, 0},
			"both": {model.AuditFilter{Actor: "ann", Target: "x", Action: "act"}, 5}, "action": {model.AuditFilter{Action: "act"}, 30},
			"time": {model.AuditFilter{FromMs: 1001, ToMs: 1003}, 8}, "no one's": {model.AuditFilter{Actor: "' OR 1=1 --"}, 0},
		} {
			seen, last := 0, model.AuditKey{AtMs: 1 << 60}
			for place := (model.AuditKey{}); ; {
				rows, next, err := s.AuditPage(t.Context(), c.filter, place, 4)
				must(t, err)
				for _, row := range rows {
					if row.AtMs > last.AtMs || row.AtMs == last.AtMs && row.ID >= last.ID {
						t.Errorf("%s: %d-%d after %d-%d", name, row.AtMs, row.ID, last.AtMs, last.ID)
					}
					last = model.AuditKey{AtMs: row.AtMs, ID: row.ID}
					seen++
				}
				if next == nil {
					break
				}
				place = *next
			}
			if seen != c.want {
				t.Errorf("%s: %d entries, want %d", name, seen, c.want)
			}
		}
	})
}

// However many replicas write at once, there is one entry behind each head.
func TestAuditHasOneNext(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			stores := modeltest.Replicas(t, engine, 2)
			for round := range 10 {
				head, err := stores[0].AuditHead(t.Context())
				must(t, err)
				if head.Seq != int64(round) {
					t.Fatalf("round %d: head %d", round, head.Seq)
				}
				var winners atomic.Int64
				var race sync.WaitGroup
				for i := range 6 {
					race.Go(func() {
						added, err := stores[i%2].AddAudit(t.Context(), head, link(head, fmt.Sprint(i), "x"))
						if err != nil {
							t.Error(err)
						}
						if added {
							winners.Add(1)
						}
					})
				}
				race.Wait()
				if winners.Load() != 1 {
					t.Fatalf("round %d: %d winners", round, winners.Load())
				}
			}
		})
	}
}
