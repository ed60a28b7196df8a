package chaos_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/wxsign/wxsign/service/simulator"
)

// door is one replica's way to WeChat: it passes calls on to the simulator and
// can be shut, and a trap can wait behind it for a call.
type door struct {
	sim    *simulator.Simulator
	server *httptest.Server

	mu    sync.Mutex
	shut  bool
	traps []*trap
}

// trap waits for one call. spring is called when the call has come, or with
// answered when the simulator has dealt with it; the caller gets no answer.
type trap struct {
	match    func(path string) bool
	answered bool
	spring   func() bool // false: not this time
}

func newDoor(t testing.TB, sim *simulator.Simulator) *door {
	t.Helper()
	d := &door{sim: sim}
	d.server = httptest.NewServer(d)
	t.Cleanup(func() {
		d.server.CloseClientConnections()
		d.server.Close()
	})
	return d
}

// setShut breaks every call from now on, or ends that.
func (d *door) setShut(shut bool) {
	d.mu.Lock()
	d.shut = shut
	d.mu.Unlock()
	if shut {
		d.server.CloseClientConnections()
	}
}

func (d *door) add(t *trap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.traps = append(d.traps, t)
}

// ServeHTTP passes one call.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	shut := d.shut
	i := slices.IndexFunc(d.traps, func(t *trap) bool { return !shut && t.match(r.URL.Path) })
	var t *trap
	if i >= 0 {
		t = d.traps[i]
		d.traps = slices.Delete(d.traps, i, i+1)
	}
	d.mu.Unlock()
	switch {
	case shut:
		panic(http.ErrAbortHandler)
	case t == nil:
		d.sim.ServeHTTP(w, r)
	case !t.answered:
		if t.spring() {
			panic(http.ErrAbortHandler)
		}
		d.sim.ServeHTTP(w, r)
	default:
		d.deal(t, w, r)
	}
}

// deal lets the simulator work on the call and keeps its answer back.
func (d *door) deal(t *trap, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // or the call would break with its connection
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	d.sim.ServeHTTP(answer, r)
	if t.spring() {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
