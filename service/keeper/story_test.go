package keeper_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
)

// story is the log of a replica, at the level that operators read.
type story struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *story) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// listen gives all replicas of a world this log.
func (s *story) listen(o *keeper.Options) { o.Logger = slog.New(slog.NewTextHandler(s, nil)) }

// since returns what was told after this was asked last, without the times.
func (s *story) since() (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(s.text.String()) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), " level=")
		lines = append(lines, line)
	}
	s.text.Reset()
	return lines
}

// want compares lines with patterns, one for one.
func want(t *testing.T, lines []string, patterns ...string) {
	t.Helper()
	ok := len(lines) == len(patterns)
	for i := range min(len(lines), len(patterns)) {
		ok = ok && regexp.MustCompile("^"+patterns[i]+"$").MatchString(lines[i])
	}
	if !ok {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(patterns, "\n"))
	}
}

// Each renewal is one line that says what, why and how long; a failure says what
// to do, and the first success after it that it is over.
func TestRenewalsAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told story
		w := newWorld(t, setup{tune: told.listen, simulator: simulator.Options{FreshTickets: true}})
		r := w.start("one", nil)
		time.Sleep(3 * time.Second)
		want(t, told.since(),
			`INFO msg=renewed account=`+appID+` kind=access_token version=1 expires_in=2h0m0s trigger=startup fingerprint=[0-9a-f]{8} took=\S+`,
			`INFO msg=renewed account=`+appID+` kind=jsapi version=1 expires_in=2h0m0s trigger=startup fingerprint=[0-9a-f]{8} took=\S+`)

		w.fault(map[string]any{"path": "/cgi-bin/ticket/getticket", "mode": "status", "status": 502, "count": 2})
		w.makeDue(appID, snapshot.KindJSAPI)
		time.Sleep(time.Minute)
		const failed = `WARN msg="renewal failed" account=` + appID + ` kind=jsapi errcode=0 rid="" trigger=schedule took=\S+ failed=`
		want(t, told.since(),
			failed+`1 next_try_in=\S+ reason=".*502.*"`,
			failed+`2 next_try_in=\S+ reason=".*502.*"`,
			`INFO msg="renewed, after failures" account=`+appID+` kind=jsapi version=2 .* failures=2`)
		w.fault(map[string]any{"path": "/cgi-bin/stable_token", "errcode": 40164, "errmsg": "invalid ip 203.0.113.7", "count": 1})
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(30 * time.Second)
		want(t, told.since(), `WARN msg="renewal failed" account=`+appID+` kind=access_token errcode=40164 .* reason=".*203\.0\.113\.7.*"`)
		r.stop()
	})
}

// An outage of the database is two lines, however long it takes. Besides, what is
// cut off in the middle of a renewal tells so once, not with every try.
func TestOutageIsToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const (
			accounts = 5
			gone     = `msg="the database does not answer; what lives is served on, and nothing is renewed until it is back" err=`
			back     = `msg="the database answers again" after=`
		)
		var told story
		w := newWorld(t, setup{tune: told.listen, accounts: accounts})
		f := &faulty{}
		r := w.start("one", through(f))
		time.Sleep(102 * time.Minute) // soon everything is due; between two fetches of tickets whose birth nobody saw
		told.since()
		for range 2 {
			f.set(always(refuse))
			time.Sleep(30 * time.Minute)
			f.set(nil)
			time.Sleep(20 * time.Second)
			lines := told.since()
			text := strings.Join(lines, "\n")
			if strings.Count(text, gone) != 1 || strings.Count(text, back) != 1 {
				t.Errorf("the outage is told otherwise than once:\n%s", text)
			}
			// A renewal in flight may tell of its outcome, its claim and its history
			// row; after the outage it tells how it ended.
			if most := 2 + 4*2*accounts; len(lines) > most {
				t.Errorf("%d lines about 30 minutes, want at most %d:\n%s", len(lines), most, text)
			}
		}
		r.stop()
	})
}

// Whoever goes on where another replica ended says so.
func TestTakeOverIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told story
		w := newWorld(t, setup{tune: told.listen})
		f := &faulty{}
		doomed := w.start("doomed", through(f))
		time.Sleep(3 * time.Second)
		f.set(func(op string, _ int) fate {
			if op == "Claim" {
				return lose
			}
			if f.seen["Claim"] > 0 && op != "Claim" {
				return refuse
			}
			return pass
		})
		f.mu.Lock()
		f.seen["Claim"] = 0
		f.mu.Unlock()
		w.makeDue(appID, snapshot.KindJSAPI)
		time.Sleep(6 * time.Second)
		doomed.drop()
		told.since()
		heir := w.start("heir", nil)
		time.Sleep(time.Minute)
		lines := told.since()
		want(t, lines[:min(1, len(lines))], `INFO msg="took over the claim of a replica that ended or lost its database" account=`+appID+` kind=jsapi holder=doomed`)
		heir.stop()
	})
}

// A force refresh is told before it is made, with what the day has left.
func TestForceIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told story
		w := newWorld(t, setup{tune: told.listen})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		for n := range 2 {
			w.revoke(true)
			told.since()
			w.makeDue(appID, snapshot.KindJSAPI)
			time.Sleep(2 * time.Minute)
			text := strings.Join(told.since(), "\n")
			if line := `kind=access_token trigger=report forced=` + string(rune('1'+n)) + ` of=20`; strings.Count(text, line) != 1 {
				t.Errorf("not told %q:\n%s", line, text)
			}
		}
		r.stop()
	})
}
