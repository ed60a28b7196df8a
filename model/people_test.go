package model_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

func addPerson(t *testing.T, s *model.Store, name, role string) {
	t.Helper()
	must(t, s.AddPerson(t.Context(), model.Person{Name: name, Role: role, Enabled: true, PasswordHash: "hash"}, 0))
}

func TestPeoplePages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		if got, now, err := s.People(t.Context(), "", 9); len(got) != 0 || now != 0 || err != nil {
			t.Errorf("with nobody: %v, %d, %v", got, now, err)
		}
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprint("p", i))
			addPerson(t, s, want[i], model.RoleViewer)
		}
		var got []string
		for after := ""; ; {
			page, now, err := s.People(t.Context(), after, 2)
			must(t, err)
			if len(page) == 0 {
				break
			}
			if now == 0 {
				t.Error("without a clock")
			}
			for _, p := range page {
				got = append(got, p.Name)
			}
			after = got[len(got)-1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// No change of a person leaves the panel without an administrator.
func TestLastAdminStays(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		addPerson(t, s, "ann", model.RoleAdmin)
		addPerson(t, s, "bob", model.RoleAdmin)
		addPerson(t, s, "eve", model.RoleViewer)
		refused := func(what string, changed bool, err error) {
			t.Helper()
			if err != nil || changed {
				t.Errorf("%s: %v, %v", what, changed, err)
			}
		}
		done := func(what string, changed bool, err error) {
			t.Helper()
			if err != nil || !changed {
				t.Errorf("%s: %v, %v", what, changed, err)
			}
		}
		must(t, s.AddPerson(t.Context(), model.Person{Name: "locked", Role: model.RoleAdmin, Enabled: true}, 0))
		must(t, s.AddPerson(t.Context(), model.Person{Name: "late", Role: model.RoleAdmin, Enabled: true, PasswordHash: "hash"}, -1000))
		changed, err := s.SetEnabled(t.Context(), "bob", false)
		done("disable the second", changed, err)
		changed, err = s.SetRole(t.Context(), "ann", model.RoleViewer)
		refused("demote the last", changed, err)
		changed, err = s.SetEnabled(t.Context(), "ann", false)
		refused("disable the last", changed, err)
		changed, err = s.RemovePerson(t.Context(), "ann")
		refused("remove the last", changed, err)
		changed, err = s.RemovePerson(t.Context(), "nobody")
		refused("remove nobody", changed, err)
		ann, _, err := s.PersonNamed(t.Context(), "ann")
		if err != nil || ann.Role != model.RoleAdmin || !ann.Enabled || ann.Epoch != 1 {
			t.Errorf("what was refused changed ann: %+v, %v", ann, err)
		}
		changed, err = s.SetRole(t.Context(), "eve", model.RoleAdmin)
		done("promote another", changed, err)
		changed, err = s.RemovePerson(t.Context(), "ann")
		done("remove the first", changed, err)
		if _, _, err := s.PersonNamed(t.Context(), "ann"); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("ann is still there: %v", err)
		}
	})
}

// Two administrators who demote each other at the same instant: one stays.
func TestLastAdminStaysInARace(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			stores := modeltest.Replicas(t, engine, 2)
			addPerson(t, stores[0], "p0", model.RoleAdmin)
			addPerson(t, stores[0], "p1", model.RoleAdmin)
			for round := range 10 {
				var demoted atomic.Int64
				var race sync.WaitGroup
				for i := range 2 {
					race.Go(func() {
						changed, err := stores[i].SetRole(t.Context(), fmt.Sprint("p", i), model.RoleViewer)
						if err != nil {
							t.Error(err)
						}
						if changed {
							demoted.Add(1)
						}
					})
				}
				race.Wait()
				if demoted.Load() != 1 {
					t.Fatalf("round %d: %d of 2 were demoted", round, demoted.Load())
				}
				for i := range 2 {
					changed, err := stores[i].SetRole(t.Context(), fmt.Sprint("p", i), model.RoleAdmin)
					if err != nil || !changed {
						t.Fatalf("promote again: %v, %v", changed, err)
					}
				}
			}
		})
	}
}

// Role, right to enter and name belong to the epoch: what changes them ends the
// person's sessions.
func TestChangesOfAPersonEndSessions(t *testing.T) {
	t.Parallel()
	const minute = 60_000
	for name, change := range map[string]func(ctx context.Context, s *model.Store) (bool, error){
		"role":     func(ctx context.Context, s *model.Store) (bool, error) { return s.SetRole(ctx, "ann", model.RoleAdmin) },
		"disabled": func(ctx context.Context, s *model.Store) (bool, error) { return s.SetEnabled(ctx, "ann", false) },
		"removed":  func(ctx context.Context, s *model.Store) (bool, error) { return s.RemovePerson(ctx, "ann") },
		"ended":    func(ctx context.Context, s *model.Store) (bool, error) { return true, s.EndSessions(ctx, "ann") },
		"reset": func(ctx context.Context, s *model.Store) (bool, error) {
			return s.GivePassword(ctx, "ann", "x", minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, s *model.Store) {
				t.Helper()
				addPerson(t, s, "ann", model.RoleViewer)
				addPerson(t, s, "root", model.RoleAdmin)
				ann, _, err := s.PersonNamed(t.Context(), "ann")
				must(t, err)
				for _, hash := range []string{"one", "two"} {
					must(t, s.AddSession(t.Context(), model.Session{TokenHash: hash, PersonID: ann.ID, Epoch: ann.Epoch}, minute, minute))
				}
				if rows, now, err := s.SessionsOf(t.Context(), "ann"); len(rows) != 2 || now == 0 || err != nil {
					t.Fatalf("%d sessions at %d, %v", len(rows), now, err)
				}
				changed, err := change(t.Context(), s)
				if err != nil || !changed {
					t.Fatalf("%v, %v", changed, err)
				}
				if _, err := s.LiveSession(t.Context(), "one"); !errors.Is(err, model.ErrNotFound) {
					t.Errorf("the session lives: %v", err)
				}
				if rows, _, err := s.SessionsOf(t.Context(), "ann"); len(rows) != 0 || err != nil {
					t.Errorf("%d sessions are listed, %v", len(rows), err)
				}
			})
		})
	}
}
