package modeltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/wxsign/wxsign/model"
)

// Contender is one of several who want the same row.
type Contender struct {
	Store *model.Store // reads the row
	// Claim tries to take it; nil = Store.Claim.
	Claim func(ctx context.Context, g model.Grant, leaseMs int64) (bool, error)
}

// Outcome counts what contenders saw.
type Outcome struct {
	Fences int // that were won
	Double int // of these, won more than once: the disaster
	Lost   int // claims that found another was faster
	Retry  int // claims that the database refused as a conflict
}

// Race lets the contenders fight over the token of one account, each reading
// and claiming in its own loop, until so many fences were won. Leases are of no
// length, so that only the compare-and-swap decides.
func Race(t testing.TB, contenders []Contender, appID string, fences int) Outcome {
	t.Helper()
	r := race{appID: appID, until: fences, winners: map[int64]int{}}
	var tasks sync.WaitGroup
	for i, c := range contenders {
		if c.Claim == nil {
			c.Claim = c.Store.Claim
		}
		tasks.Go(func() {
			if err := r.run(t.Context(), c, fmt.Sprintf("contender/%d", i)); err != nil {
				t.Errorf("contender %d: %v", i, err)
			}
		})
	}
	tasks.Wait()
	return r.outcome()
}

type race struct {
	appID string
	until int

	mu      sync.Mutex
	winners map[int64]int // by fence
	lost    int
	retry   int
}

func (r *race) run(ctx context.Context, c Contender, owner string) error {
	for attempt := 0; !r.over(); attempt++ {
		t, err := c.Store.Tended(ctx, r.appID)
		if err != nil {
			return err
		}
		row := t.Credential(token)
		g := model.Grant{
			AppID: r.appID, Kind: token, Owner: fmt.Sprintf("%s/%d", owner, attempt),
			Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev,
		}
		held, err := c.Claim(ctx, g, 0)
		if err != nil && !errors.Is(err, model.ErrNotApplied) {
			return err
		}
		r.note(g.Fence+1, held, err)
	}
	return nil
}

func (r *race) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.winners) >= r.until
}

func (r *race) note(fence int64, held bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.retry++
	case held:
		r.winners[fence]++
	default:
		r.lost++
	}
}

func (r *race) outcome() Outcome {
	o := Outcome{Fences: len(r.winners), Lost: r.lost, Retry: r.retry}
	for _, n := range r.winners {
		if n > 1 {
			o.Double++
		}
	}
	return o
}

// raceCase holds that on the store's own pool; the fence must have moved once
// for each winner and for nobody else.
func raceCase(t *testing.T, s *model.Store) {
	t.Helper()
	x := newSubject(t, s)
	contenders := make([]Contender, 8)
	for i := range contenders {
		contenders[i].Store = s
	}
	o := Race(t, contenders, x.appID, 2000)
	if fence := x.row(token).Fence; o.Double != 0 || fence != int64(o.Fences) || o.Lost == 0 {
		t.Errorf("%+v with the fence at %d; want none won twice, and some lost", o, fence)
	}
	roundCase(x)
}

// roundCase: in each round all have read the same free row, the claim is held,
// and its holder gives it back.
func roundCase(x subject) {
	for round := range 100 {
		grants := make([]model.Grant, 8)
		held := make([]bool, len(grants))
		var tasks sync.WaitGroup
		for i := range grants {
			grants[i] = x.grant(fmt.Sprintf("contender/%d", i))
		}
		for i := range grants {
			tasks.Go(func() {
				var err error
				if held[i], err = x.store.Claim(x.Context(), grants[i], lease); err != nil {
					x.Error(err)
				}
			})
		}
		tasks.Wait()
		winners := 0
		for i, won := range held {
			if won {
				winners++
				x.yes(x.store.Release(x.Context(), grants[i]))
			}
		}
		if winners != 1 {
			x.Fatalf("round %d: %d winners, want 1", round, winners)
		}
	}
}
