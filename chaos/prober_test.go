package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// target is somebody who signs; base is "" while it does not listen. apiKey is
// for those who give out tokens, too, "" for others.
type target interface {
	id() string
	base() string
	apiKey() string
}

// prober asks targets for signatures without end and judges every answer.
type prober struct {
	truth  *truth
	appIDs []string
	pause  time.Duration // of each asker between two questions
	client *http.Client
	tasks  sync.WaitGroup
	stop   context.CancelFunc

	valid, invalid, notReady, unreached, other atomic.Int64
	// tokens are among valid and invalid, classic ones are not: see checkToken.
	tokens, classic, classicDead atomic.Int64

	mu       sync.Mutex
	faults   []string                        // the first invalid answers, in words
	failures map[string]int                  // other answers by status and code
	seen     map[string]map[string]time.Time // when each target first served a ticket, by its SHA-256
	took     []time.Duration                 // a sample of latencies
}

// patience is how long an asker waits: longer than a busy machine stands still.
const patience = 10 * time.Second

// probe starts askers, shared out among the targets, that go on until end.
func probe(t testing.TB, tr *truth, targets []target, appIDs []string, askers int, pause time.Duration) *prober {
	t.Helper()
	p := &prober{
		truth: tr, appIDs: appIDs, pause: pause,
		client:   &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: askers}},
		failures: map[string]int{}, seen: map[string]map[string]time.Time{},
	}
	ctx, stop := context.WithCancel(t.Context())
	p.stop = stop
	for i := range askers {
		p.tasks.Go(func() { p.ask(ctx, targets[i%len(targets)]) })
	}
	t.Cleanup(p.end)
	return p
}

// end stops the askers and waits for them.
func (p *prober) end() {
	p.stop()
	p.tasks.Wait()
	p.client.CloseIdleConnections()
}

func (p *prober) ask(ctx context.Context, to target) {
	for n := rand.IntN(1000); ctx.Err() == nil; n++ {
		appID := p.appIDs[n%len(p.appIDs)]
		base, key := to.base(), to.apiKey()
		switch {
		case base == "":
			p.unreached.Add(1)
		case key != "" && rand.IntN(tokenEvery) == 0:
			p.onceToken(ctx, to, base, key, appID)
		default:
			p.once(ctx, to, base, appID, n)
		}
		select {
		case <-time.After(p.pause):
		case <-ctx.Done():
		}
	}
}

// everyVerify: of so many valid answers one is also shown to the simulator.
const everyVerify = 500

func (p *prober) once(ctx context.Context, to target, base, appID string, n int) {
	page := fmt.Sprintf("https://h5.example.com/act?id=%d", n)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/jssdk/config?app_id="+appID+"&url="+url.QueryEscape(page), nil)
	if err != nil {
		p.fail("request", err.Error())
		return
	}
	asked := time.Now()
	switch status, text := p.send(request); {
	case status == http.StatusOK:
		p.check(to, page, text, asked)
	case status != 0:
		p.refused(status, text)
	}
}

// send gets the answer; status 0: there was none.
func (p *prober) send(request *http.Request) (status int, text []byte) {
	response, err := p.client.Do(request)
	if err == nil {
		defer response.Body.Close()
		text, err = io.ReadAll(response.Body)
	}
	switch {
	case err == nil:
		return response.StatusCode, text
	case request.Context().Err() == nil: // or nobody waits any more
		p.unreached.Add(1)
	}
	return 0, nil
}

func (p *prober) check(to target, page string, text []byte, asked time.Time) {
	took := time.Since(asked)
	var s signed
	if err := json.Unmarshal(text, &s); err != nil {
		p.fail("answer", string(text))
		return
	}
	by, valid := p.truth.judge(s, page, asked)
	if !valid {
		p.invalid.Add(1)
		p.blame(to, s, page, by, asked)
		return
	}
	n := p.valid.Add(1)
	if n%everyVerify == 0 && by.until.After(time.Now().Add(time.Second)) {
		if ok, why := p.truth.verify(s, page); !ok {
			p.fail("the simulator disagrees", why)
		}
	}
	p.note(to, by, took, n)
}

// mostFaults is how many wrong answers are kept in words.
const mostFaults = 20

// blame keeps the first invalid answers for people.
func (p *prober) blame(to target, s signed, page string, by ticket, asked time.Time) {
	why := "no ticket that ever was gives this signature"
	if by.text != "" {
		why = fmt.Sprintf("signed with ticket %.8s, dead for %s when asked", by.sha256, asked.Sub(by.until).Round(time.Millisecond))
	} else if _, told := p.truth.verify(s, page); told != "" {
		why = told
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.faults) < mostFaults {
		p.faults = append(p.faults, fmt.Sprintf("%s %s %s: %s", asked.Format("15:04:05.000"), to.id(), s.AppID, why))
	}
}

func (p *prober) note(to target, by ticket, took time.Duration, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[by.sha256] == nil {
		p.seen[by.sha256] = map[string]time.Time{}
	}
	if _, known := p.seen[by.sha256][to.id()]; !known {
		p.seen[by.sha256][to.id()] = time.Now()
	}
	if n%10 == 0 && len(p.took) < 1<<20 {
		p.took = append(p.took, took)
	}
}

func (p *prober) refused(status int, text []byte) {
	var e struct{ Code string }
	_ = json.Unmarshal(text, &e) // what is no JSON has no code
	if e.Code == "ticket_not_ready" && status == http.StatusServiceUnavailable {
		p.notReady.Add(1)
		return
	}
	p.fail(fmt.Sprint(status, " ", e.Code), string(text))
}

func (p *prober) fail(what, text string) {
	p.other.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures[what]++
	if len(p.faults) < mostFaults {
		p.faults = append(p.faults, what+": "+text)
	}
}

// summary is one line of counts.
func (p *prober) summary() string {
	return fmt.Sprintf("probes: %d valid (%d of them tokens), %d invalid, %d not ready, %d unreached, %d others; %d classic tokens, %d of them dead",
		p.valid.Load(), p.tokens.Load(), p.invalid.Load(), p.notReady.Load(), p.unreached.Load(), p.other.Load(),
		p.classic.Load(), p.classicDead.Load())
}

// holdValid fails the test unless every answer that was given was right.
func (p *prober) holdValid(t *testing.T) {
	t.Helper()
	t.Log(p.summary())
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.invalid.Load() > 0 || p.other.Load() > 0 || p.valid.Load() == 0 {
		t.Errorf("%d invalid signatures, %v other answers, %d valid; the first:", p.invalid.Load(), p.failures, p.valid.Load())
		for _, fault := range p.faults {
			t.Error(fault)
		}
	}
}

// spreads are how long after the first target each other one served a new
// ticket; tickets that were there before since do not count.
func (p *prober) spreads(since time.Time) []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []time.Duration
	for _, by := range p.seen {
		var first time.Time
		for _, at := range by {
			if first.IsZero() || at.Before(first) {
				first = at
			}
		}
		if first.Before(since) {
			continue
		}
		for _, at := range by {
			if at != first {
				all = append(all, at.Sub(first))
			}
		}
	}
	slices.Sort(all)
	return all
}

// latencies are a sample, sorted; taking it begins a new one.
func (p *prober) latencies() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	sample := p.took
	p.took = nil
	slices.Sort(sample)
	return sample
}

// percentile of a sorted list; 0 of an empty one.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
