package chaos_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

// disaster is one entry of a storm's plan.
type disaster struct {
	at      time.Duration
	name    string
	replica int
	hold    time.Duration
	dice    int
}

// weights are how often each disaster comes.
var weights = []struct {
	name   string
	weight int
	most   time.Duration // the longest hold
}{
	{"database cut", 20, 8 * time.Second},
	{"database hangs", 8, 8 * time.Second},
	{"WeChat unreachable", 10, 10 * time.Second},
	{"WeChat answers badly", 22, 0},
	{"claim reply cut", 8, 0},
	{"publish reply cut", 8, 0},
	{"publish query cut", 4, 0},
	{"kill", 8, 3 * time.Second},
	{"kill at a point", 8, 3 * time.Second},
	{"process stopped", 3, 2*lease + 4*time.Second},
	{"restart", 3, 0},
	{"database killed", 1, 2 * time.Second},
}

// foretell makes the plan of a storm: equal seeds, equal plans.
func foretell(seed uint64, length, pause time.Duration, replicas int) []disaster {
	dice := rand.New(rand.NewPCG(seed, 0))
	sum := 0
	for _, w := range weights {
		sum += w.weight
	}
	var all []disaster
	for at := time.Duration(0); at < length; at += pause/2 + time.Duration(dice.Int64N(int64(pause))) {
		n, i := dice.IntN(sum), 0
		for ; n >= weights[i].weight; i++ {
			n -= weights[i].weight
		}
		d := disaster{at: at, name: weights[i].name, replica: dice.IntN(replicas), dice: dice.IntN(1 << 20)}
		// Most are short; the square keeps the long ones rare.
		part := dice.Float64()
		d.hold = time.Duration(part * part * float64(weights[i].most))
		all = append(all, d)
	}
	return all
}

// storm brings disasters over a cluster, all from the test's goroutine.
type storm struct {
	c       *cluster
	server  crashing
	done    map[string]int
	undo    []deed
	away    map[string]bool // what is broken now: "database 1"
	ambush  []*ambush
	stored  struct{ probes, dead, classicProbes, classicDead int }
	overdue time.Duration
	next    time.Time // of the look at the rows
}

// crashing is a database server, or a node of one, that can go and come.
type crashing interface {
	Kill()
	Start()
}

// deed is something to do later.
type deed struct {
	at time.Time
	do func()
}

// TestStorm brings disasters of all kinds over three replicas while they are
// asked for signatures: none is ever wrong, and when it is over everything is
// renewed and the books agree.
func TestStorm(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	server := modeltest.MariaDBServer(t)
	runStorm(t, size, server, []string{server.DSN()})
}

// A storm of ten minutes and more is to bring so many faults, and see so many right
// answers. On a busy machine it goes on for them, but not for ever.
const (
	wantFaults = 1_000
	wantProbes = 1_000_000
)

func runStorm(t *testing.T, size size, server crashing, nodes []string) {
	t.Helper()
	t.Logf("CHAOS_SEED=%d", size.seed)
	c := newCluster(t, plan{
		nodes: nodes, replicas: size.replicas, stable: 8, classic: 4,
		wechat: simulator.Options{Overlap: credentialLife / 2, TicketEarly: credentialLife - young},
	})
	c.start()
	c.makeKey()
	askers, pause := 2, 20*time.Millisecond // for each replica: one that hangs keeps only its own waiting
	if size.full {
		askers, pause = 16, 10*time.Millisecond // a million in ten minutes, also where an answer takes as long
	}
	probes := probe(t, c.truth, c.targets(), c.appIDs, askers*size.replicas, pause)
	s := &storm{c: c, server: server, done: map[string]int{}, away: map[string]bool{}}
	for seed := size.seed; ; seed++ {
		s.rage(foretell(seed, size.storm, 400*time.Millisecond, size.replicas))
		if !size.full || probes.valid.Load() >= wantProbes || seed == size.seed+2 {
			break
		}
		t.Logf("%s; the storm goes on with seed %d", probes.summary(), seed+1)
	}
	s.calm()
	probes.end()
	s.hold(probes, size)
}

// rage carries the plan out.
func (s *storm) rage(all []disaster) {
	begin := time.Now()
	for _, d := range all {
		for time.Since(begin) < d.at {
			s.tick()
			time.Sleep(min(20*time.Millisecond, max(0, d.at-time.Since(begin))))
		}
		if s.bring(d) {
			s.done[d.name]++
		}
	}
}

// later does something after a while.
func (s *storm) later(hold time.Duration, do func()) {
	s.undo = append(s.undo, deed{time.Now().Add(hold), do})
}

// tick ends what is to be ended, brings back who fell into an ambush or ended by
// itself, and keeps an eye on the rows.
func (s *storm) tick() {
	now := time.Now()
	for i := 0; i < len(s.undo); i++ {
		if d := s.undo[i]; now.After(d.at) {
			s.undo = slices.Delete(s.undo, i, i+1)
			i--
			d.do()
		}
	}
	s.supervise()
	if now.After(s.next) {
		s.next = now.Add(200 * time.Millisecond)
		s.look()
	}
}

// supervise starts again who has ended, as any supervisor would.
func (s *storm) supervise() {
	for i, r := range s.c.replicas {
		if key := fmt.Sprint("process ", i); !r.alive() && !s.away[key] {
			r.start()
		}
	}
}

// look checks every stored token against the truth, and makes a few credentials
// due so that there is always something to disturb.
func (s *storm) look() {
	rows, err := s.c.rows()
	if err != nil {
		return // the database is one of the things that break
	}
	for _, r := range rows {
		s.overdue = max(s.overdue, r.overdue()) // in a storm only to be told
		if r.Kind == "access_token" && r.ExpiresMs > r.NowMs {
			s.checkToken(r)
		}
	}
	if r := rows[rand.IntN(len(rows))]; !s.tooYoung(r) {
		_ = s.c.nudge(r.AppID, r.Kind) // as above
	}
}

// classicPause is the shortest time between two renewals of a classic token. In
// production it is 100 minutes. The token before the last is dead, so whoever is
// cut off for longer than two renewals take gives out a dead one: with renewals
// every few seconds that would be every cut.
const classicPause = 30 * time.Second

func (s *storm) tooYoung(r row) bool {
	return r.Kind == "access_token" && s.c.truth.classic[r.AppID] && r.ExpiresMs-r.NowMs > (credentialLife-classicPause).Milliseconds()
}

func (s *storm) checkToken(r row) {
	alive, why := s.c.truth.aliveToken(r.AppID, r.Hash)
	if s.c.truth.classic[r.AppID] {
		s.stored.classicProbes++
		if !alive {
			s.stored.classicDead++
		}
		return
	}
	s.stored.probes++
	if !alive && s.stored.dead < 10 {
		s.c.t.Errorf("the stored stable token of %s is dead: %s", r.AppID, why)
	}
	if !alive {
		s.stored.dead++
	}
}

// calm ends everything that is broken and waits until all is renewed.
func (s *storm) calm() {
	s.c.t.Helper()
	for _, d := range s.undo {
		d.do()
	}
	s.undo = nil
	clear(s.away)
	begin := time.Now()
	waitFor(startTime, func() bool {
		s.supervise()
		return !slices.ContainsFunc(s.c.replicas, func(r *replica) bool { return r.base() == "" || !s.c.signsAll(r) })
	})
	s.c.waitReady(time.Second)
	due := make(map[place]int64)
	for _, r := range s.c.mustRows() {
		due[place{r.AppID, r.Kind}] = r.NowMs
	}
	time.Sleep(2 * time.Second)
	rested := waitFor(lease+mostOverdue, func() bool {
		for _, r := range s.c.mustRows() {
			if r.overdue() > 3*time.Second || r.Owner != "" && r.LeaseMs < due[place{r.AppID, r.Kind}] {
				return false
			}
		}
		return true
	})
	s.c.t.Logf("everything was renewed %s after the storm", time.Since(begin).Round(time.Millisecond))
	if !rested {
		s.c.t.Error("some credentials stay due after the storm")
	}
}

func (s *storm) hold(probes *prober, size size) {
	t := s.c.t
	t.Helper()
	total := 0
	var kinds []string
	for _, name := range slices.Sorted(maps.Keys(s.done)) {
		total += s.done[name]
		kinds = append(kinds, fmt.Sprintf("%d × %s", s.done[name], name))
	}
	missed := len(s.ambush) - s.struck()
	t.Logf("%d faults: %s (and %d ambushes that nobody came to)", total-missed, strings.Join(kinds, ", "), missed)
	if right := probes.valid.Load(); size.storm >= 10*time.Minute && (total-missed < wantFaults || right < wantProbes) {
		t.Errorf("%d faults and %d right answers prove less than wanted, %d and %d", total-missed, right, wantFaults, wantProbes)
	}
	t.Logf("stored tokens: stable %d asked, %d dead; classic %d asked, %d dead; most overdue in the storm %s",
		s.stored.probes, s.stored.dead, s.stored.classicProbes, s.stored.classicDead, s.overdue)
	probes.holdValid(t)
	s.c.holdBooks(size.bookTime, s.deaths())
	gaveUp := 0
	for _, r := range s.c.replicas {
		gaveUp += r.gaveUp()
	}
	t.Logf("%d starts were given up because the database went away in the middle", gaveUp)
	s.c.holdNothingStuck()
	s.c.holdQuiet()
}

// deaths is how many processes ended: each may take history rows with it that
// waited in its memory.
func (s *storm) deaths() int {
	n := s.done["kill"] + s.done["kill at a point"] + s.done["restart"]
	for _, r := range s.c.replicas {
		n += r.gaveUp()
	}
	return n
}
