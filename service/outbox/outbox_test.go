package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/outbox"
)

func TestMessageArrivesOnceAsItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail, robot := &channel{name: "mail"}, &channel{name: "robot"}
		r := start(t, open(t, database(t)), "one", mail, robot)
		r.add("mail", "a", "a", "b")
		r.add("robot", "a")
		time.Sleep(time.Hour)
		must(t, r.end(time.Minute))
		if diff := cmp.Diff([]string{"a", "b"}, sorted(mail.given())); diff != "" {
			t.Errorf("mail: %s", diff)
		}
		want := []outbox.Message{{
			EventID: "a", Channel: "robot", Type: "alert.raised", At: time.UnixMilli(1_700_000_000_123), Body: []byte(`{"id":"a"}`),
		}}
		if diff := cmp.Diff(want, robot.messages); diff != "" {
			t.Errorf("robot: %s", diff)
		}
	})
}

// Replicas that add the same events and scan at the same time carry each once.
func TestReplicasShareTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := database(t)
		mail := &channel{name: "mail"}
		var replicas []*replica
		for i := range 3 {
			replicas = append(replicas, start(t, open(t, path), fmt.Sprint("r", i), mail))
		}
		var want []string
		var adding sync.WaitGroup
		for i := range 120 {
			want = append(want, fmt.Sprint("event", i))
		}
		for _, r := range replicas {
			adding.Go(func() { r.add("mail", want...) })
		}
		adding.Wait()
		time.Sleep(10 * time.Minute)
		for _, r := range replicas {
			must(t, r.end(time.Minute))
		}
		if diff := cmp.Diff(sorted(want), sorted(mail.given())); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestFailuresAreTriedAgainAndGivenUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err         error
		least, most time.Duration // between the first attempt and the last
	}{
		"down for good": {errDown, 24 * time.Hour, 26 * time.Hour},
		"refused":       {fmt.Errorf("%w: 401", outbox.ErrRefused), time.Hour, 2 * time.Hour},
		"asks for time": {&outbox.LaterError{After: 10 * 24 * time.Hour, Err: errDown}, 24 * time.Hour, 26 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mail := &channel{name: "mail", answer: func(context.Context, outbox.Message) error { return tt.err }}
				r := startScanning(t, time.Minute, open(t, database(t)), "one", mail)
				time.Sleep(time.Second)
				r.add("mail", "a")
				time.Sleep(time.Minute)
				if e := r.entry(); e.State != outbox.Pending || e.LastError != tt.err.Error() || !e.NextTry.After(time.Now()) || !e.Done.IsZero() {
					t.Errorf("after a minute: %+v", e)
				}
				time.Sleep(3 * 24 * time.Hour)
				attempts := mail.attempts()
				if last := attempts[len(attempts)-1]; last < tt.least || last > tt.most {
					t.Errorf("tried for %v, want %v to %v", last, tt.least, tt.most)
				}
				e := r.entry()
				if e.State != outbox.Failed || e.Attempts != len(attempts) || e.LastError != tt.err.Error() || e.Done.IsZero() || !e.NextTry.IsZero() {
					t.Errorf("%d attempts, at the end: %+v", len(attempts), e)
				}
				counts, err := r.Counts(t.Context())
				must(t, err)
				if want := []outbox.Count{{Channel: "mail", State: outbox.Failed, Count: 1, Oldest: e.Added}}; !slices.Equal(counts, want) {
					t.Errorf("counts %+v", counts)
				}
				must(t, r.end(time.Minute))
			})
		})
	}
}

// The pauses double from ten seconds to an hour, each give or take a fifth and
// the five seconds of a scan.
func TestPausesGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &channel{name: "mail", answer: func(context.Context, outbox.Message) error { return errDown }}
		r := startScanning(t, 5*time.Second, open(t, database(t)), "one", mail)
		r.add("mail", "a")
		time.Sleep(8 * time.Hour)
		must(t, r.end(time.Minute))
		attempts := mail.attempts()
		if len(attempts) < 14 {
			t.Fatalf("%d attempts in 8 hours", len(attempts))
		}
		for i, at := range attempts[1:] {
			want := min(10*time.Second<<i, time.Hour)
			if pause := at - attempts[i]; pause < want*4/5 || pause > want*6/5+6*time.Second {
				t.Errorf("pause %d: %v, want about %v", i+1, pause, want)
			}
		}
	})
}

func TestReceiverThatRecoversGetsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var down sync.Mutex
		failing := true
		mail := &channel{name: "mail", answer: func(context.Context, outbox.Message) error {
			down.Lock()
			defer down.Unlock()
			if failing {
				return errDown
			}
			return nil
		}}
		r := startScanning(t, 30*time.Second, open(t, database(t)), "one", mail)
		var ids []string
		for i := range 130 {
			ids = append(ids, fmt.Sprintf("event%03d", i))
		}
		r.add("mail", ids...)
		time.Sleep(10 * time.Minute)
		down.Lock()
		failing = false
		down.Unlock()
		before := len(mail.given())
		time.Sleep(2 * time.Hour)
		must(t, r.end(time.Minute))
		if diff := cmp.Diff(ids, sorted(mail.given()[before:])); diff != "" {
			t.Errorf("each once after the recovery (-want +got):\n%s", diff)
		}
	})
}

// A receiver that hangs holds up its own channel only, and a bounded number of
// deliveries.
func TestHangingReceiverHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		hanging := &channel{name: "hanging", answer: func(ctx context.Context, _ outbox.Message) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			<-ctx.Done()
			mu.Lock()
			now--
			mu.Unlock()
			return ctx.Err()
		}}
		mail := &channel{name: "mail"}
		r := start(t, open(t, database(t)), "one", hanging, mail)
		for i := range 100 {
			r.add("hanging", fmt.Sprint(i))
		}
		time.Sleep(10 * time.Second)
		r.add("mail", "a")
		time.Sleep(3 * time.Second)
		if got := mail.given(); len(got) != 1 {
			t.Errorf("mail got %v within three seconds", got)
		}
		if most != 4 {
			t.Errorf("%d deliveries at once to a receiver that hangs, want 4", most)
		}
		begin := time.Now()
		if err := r.end(time.Second); err == nil || time.Since(begin) > 2*time.Second {
			t.Errorf("Stop: %v after %v", err, time.Since(begin))
		}
	})
}

// What a stop breaks off is given back at once, and the attempt does not count.
func TestStopGivesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := database(t)
		r := start(t, open(t, path), "one", &channel{name: "mail", answer: func(ctx context.Context, _ outbox.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		r.add("mail", "a")
		time.Sleep(3 * time.Second)
		if err := r.end(time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop: %v", err)
		}
		if e := r.entry(); e.State != outbox.Pending || e.Attempts != 0 || e.NextTry.After(time.Now()) {
			t.Errorf("%+v, want it due as if never tried", e)
		}
		mail := &channel{name: "mail"}
		other := start(t, open(t, path), "two", mail)
		time.Sleep(time.Second)
		must(t, other.end(time.Minute))
		if got := mail.given(); len(got) != 1 {
			t.Errorf("another replica carried %v", got)
		}
	})
}

// Stop lets a delivery end that is on its way.
func TestStopLetsDeliveriesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, open(t, database(t)), "one", &channel{name: "mail", answer: func(context.Context, outbox.Message) error {
			time.Sleep(3 * time.Second)
			return nil
		}})
		r.add("mail", "a")
		time.Sleep(3 * time.Second)
		must(t, r.end(10*time.Second))
		if e := r.entry(); e.State != outbox.Sent || e.Done.IsZero() {
			t.Errorf("%+v", e)
		}
	})
}

// forgetful loses the ends of deliveries, as a replica does that is killed.
type forgetful struct{ *model.Store }

func (forgetful) EndDelivery(context.Context, model.DeliveryGrant, model.DeliveryEnd) (bool, error) {
	return false, errors.New("killed")
}

func TestClaimOfADeadReplicaEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := database(t)
		mail := &channel{name: "mail"}
		dead := start(t, forgetful{open(t, path)}, "dead", mail)
		dead.add("mail", "a")
		time.Sleep(10 * time.Second)
		must(t, dead.end(time.Minute))
		alive := start(t, open(t, path), "alive", mail)
		time.Sleep(40 * time.Second)
		if n := len(mail.given()); n != 1 {
			t.Errorf("carried %d times while the claim holds", n)
		}
		time.Sleep(time.Minute)
		if e := alive.entry(); e.State != outbox.Sent || len(mail.given()) != 2 {
			t.Errorf("%+v, carried %d times, want 2", e, len(mail.given()))
		}
		must(t, alive.end(time.Minute))
	})
}

func TestChannelThatPanicsHasFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, open(t, database(t)), "one", &channel{name: "mail", answer: func(context.Context, outbox.Message) error { panic("on purpose") }})
		r.add("mail", "a")
		time.Sleep(5 * time.Second)
		if e := r.entry(); e.State != outbox.Pending || !strings.Contains(e.LastError, "panicked") {
			t.Errorf("%+v", e)
		}
		must(t, r.end(time.Minute))
		if log := r.log.String(); !strings.Contains(log, `err="panic: string" stack=`) || strings.Contains(log, "on purpose") {
			t.Errorf("the log does not tell of the panic, or of what it carried:\n%s", log)
		}
	})
}

func TestAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &channel{name: "mail"}
		r := start(t, open(t, database(t)), "one", mail)
		r.add("mail", "a")
		time.Sleep(time.Minute)
		for _, want := range []bool{true, false} { // the second time it is on its way
			if again, err := r.Again(t.Context(), r.entry().ID); err != nil || again != want {
				t.Errorf("Again: %v, %v; want %v", again, err, want)
			}
		}
		time.Sleep(time.Minute)
		must(t, r.end(time.Minute))
		if diff := cmp.Diff([]string{"a", "a"}, mail.given()); diff != "" {
			t.Error(diff)
		}
	})
}

// Old deliveries go, and what no channel carries any more is given up.
func TestPurge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := database(t)
		before := start(t, open(t, path), "one", &channel{name: "mail"}, &channel{name: "robot", answer: func(context.Context, outbox.Message) error {
			return errDown
		}})
		before.add("mail", "sent")
		before.add("robot", "orphan")
		time.Sleep(time.Minute)
		must(t, before.end(time.Minute))
		after := startScanning(t, time.Hour, open(t, path), "two", &channel{name: "mail"})
		states := func() (got []string) {
			after.Purge(t.Context())
			page, err := after.List(t.Context(), outbox.Filter{}, "", 10)
			must(t, err)
			for _, e := range page.Entries {
				got = append(got, e.EventID+" "+e.State)
			}
			return sorted(got)
		}
		for _, step := range []struct {
			pause time.Duration
			want  []string
		}{
			{23 * time.Hour, []string{"orphan pending", "sent sent"}},
			{2 * time.Hour, []string{"orphan failed", "sent sent"}},
			{6 * 24 * time.Hour, []string{"orphan failed"}},
			{24 * 24 * time.Hour, []string{"orphan failed"}},
			{24 * time.Hour, nil},
		} {
			time.Sleep(step.pause)
			if diff := cmp.Diff(step.want, states()); diff != "" {
				t.Errorf("after %v more: %s", step.pause, diff)
			}
		}
		must(t, after.end(time.Minute))
	})
}

func TestAddChecksItsMessage(t *testing.T) {
	t.Parallel()
	box, err := outbox.New(outbox.Options{Store: open(t, database(t)), Channels: []outbox.Channel{&channel{name: "mail"}}, Replica: "one"})
	must(t, err)
	sound := outbox.Message{EventID: "a", Channel: "mail", Type: "x", At: time.Now()}
	must(t, box.Add(t.Context(), sound))
	for name, change := range map[string]func(*outbox.Message){
		"no id":         func(m *outbox.Message) { m.EventID = "" },
		"a long id":     func(m *outbox.Message) { m.EventID = strings.Repeat("x", 97) },
		"no type":       func(m *outbox.Message) { m.Type = "" },
		"a long type":   func(m *outbox.Message) { m.Type = strings.Repeat("x", 65) },
		"a long body":   func(m *outbox.Message) { m.Body = make([]byte, 60_001) },
		"wrong channel": func(m *outbox.Message) { m.Channel = "telegraph" },
	} {
		m := sound
		change(&m)
		if err := box.Add(t.Context(), m); err == nil || errors.Is(err, outbox.ErrUnknownChannel) != (m.Channel != "mail") {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, box.Stop(t.Context()))
}

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	store := open(t, database(t))
	mail := &channel{name: "mail"}
	for name, o := range map[string]outbox.Options{
		"no store":       {Replica: "one"},
		"no replica":     {Store: store},
		"a name twice":   {Store: store, Replica: "one", Channels: []outbox.Channel{mail, mail}},
		"no name":        {Store: store, Replica: "one", Channels: []outbox.Channel{&channel{}}},
		"too long names": {Store: store, Replica: "one", Channels: []outbox.Channel{&channel{name: strings.Repeat("x", 97)}}},
	} {
		if _, err := outbox.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Without channels nothing is asked of the database.
func TestNoChannels(t *testing.T) {
	t.Parallel()
	box, err := outbox.New(outbox.Options{Store: struct{ outbox.Store }{}, Replica: "one"})
	must(t, err)
	box.Scan(t.Context())
	must(t, box.Stop(t.Context()))
}
