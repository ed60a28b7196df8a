package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const maxControlBody = 64 << 10

// controlError is the body of every refused control request.
type controlError struct {
	Error string `json:"error"`
}

// errAccount says that a control request names no account of the simulator.
var errAccount = errors.New("app_id: the simulator has no such account")

// controlHandler is the table of contents of /_sim/.
func (s *Simulator) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/fault", s.listFaults)
	mux.HandleFunc("POST /_sim/fault", s.addFault)
	mux.HandleFunc("DELETE /_sim/fault", s.clearFaults)
	mux.HandleFunc("POST /_sim/revoke", controlled(s.revoke))
	mux.HandleFunc("POST /_sim/overwrite", controlled(s.overwrite))
	mux.HandleFunc("POST /_sim/account", controlled(s.changeAccount))
	mux.HandleFunc("POST /_sim/clock", controlled(s.moveClock))
	mux.HandleFunc("GET /_sim/ledger", s.showLedger)
	mux.HandleFunc("GET /_sim/truth", s.showTruth)
	mux.HandleFunc("POST /_sim/truth/check", controlled(s.checkTruth))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeControl(w, http.StatusNotFound, controlError{"no control route " + r.Method + " " + r.URL.Path})
	})
	guard := http.NewCrossOriginProtection() // a web page on this machine must not steer the simulator
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeControl(w, http.StatusForbidden, controlError{"control does not answer to web pages of other sites"})
	}))
	return loopbackOnly(guard.Handler(mux))
}

func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !peerOf(r).IsLoopback() {
			writeControl(w, http.StatusForbidden, controlError{"control answers to loopback peers only"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// controlled makes a handler of a function from request body to answer. Its
// error is the caller's fault: 400.
func controlled[Q, A any](run func(Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := decodeStrict[Q](w, r)
		if err != nil {
			writeControl(w, http.StatusBadRequest, controlError{err.Error()})
			return
		}
		answer, err := run(q)
		if err != nil {
			writeControl(w, http.StatusBadRequest, controlError{err.Error()})
			return
		}
		writeControl(w, http.StatusOK, answer)
	}
}

func writeControl(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(encode(body), '\n')) // the client may have gone
}

// decodeStrict reads one JSON value and refuses unknown fields, so that a
// mistyped knob does not pass in silence.
func decodeStrict[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	return decode[T](w, r, (*json.Decoder).DisallowUnknownFields)
}

// decodeLoose passes over unknown fields.
func decodeLoose[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	return decode[T](w, r, func(*json.Decoder) {})
}

func decode[T any](w http.ResponseWriter, r *http.Request, prepare func(*json.Decoder)) (T, error) {
	var v T
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
	prepare(dec)
	if err := dec.Decode(&v); err != nil {
		return v, fmt.Errorf("request body: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return v, errors.New("request body: more than one JSON value")
	}
	return v, nil
}

type faultList struct {
	Faults []faultRequest `json:"faults"` // those still active, oldest first, with the count left
}

// faultView lists the active faults. s.mu must be held.
func (s *Simulator) faultView() faultList {
	list := faultList{Faults: []faultRequest{}}
	for _, f := range s.faults {
		list.Faults = append(list.Faults, f.faultRequest)
	}
	return list
}

func (s *Simulator) listFaults(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	list := s.faultView()
	s.mu.Unlock()
	writeControl(w, http.StatusOK, list)
}

func (s *Simulator) addFault(w http.ResponseWriter, r *http.Request) {
	controlled(func(q faultRequest) (faultList, error) {
		f, err := newFault(q)
		if err != nil {
			return faultList{}, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if q.AppID != "" && s.accounts[q.AppID] == nil {
			return faultList{}, errAccount
		}
		s.faults = append(s.faults, f)
		return s.faultView(), nil
	})(w, r)
}

// clearFaults ends all faults and frees the calls that wait in them.
func (s *Simulator) clearFaults(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	close(s.released)
	s.faults, s.released = nil, make(chan struct{})
	list := s.faultView()
	s.mu.Unlock()
	writeControl(w, http.StatusOK, list)
}

type clockMove struct {
	Advance string `json:"advance"`
}

type clockView struct {
	Now time.Time `json:"now"`
}

// moveClock shifts the simulator's clock; a negative duration sets it back.
func (s *Simulator) moveClock(q clockMove) (clockView, error) {
	d, err := time.ParseDuration(q.Advance)
	if err != nil {
		return clockView{}, fmt.Errorf(`advance %q: give a duration such as "1h"`, q.Advance)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	return clockView{Now: s.now()}, nil
}

func (s *Simulator) showLedger(w http.ResponseWriter, r *http.Request) {
	q := ledgerQuery{appID: r.FormValue("app_id"), path: r.FormValue("path")}
	if since := r.FormValue("since"); since != "" {
		seq, err := strconv.ParseInt(since, 10, 64)
		if err != nil {
			writeControl(w, http.StatusBadRequest, controlError{"since: give the seq of a call, for instance last_seq of an earlier answer"})
			return
		}
		q.since = seq
	}
	s.mu.Lock()
	view := s.ledger.view(q)
	s.mu.Unlock()
	writeControl(w, http.StatusOK, view)
}
