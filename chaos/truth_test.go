package chaos_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/simulator"
)

// signed is the answer of /jssdk/config.
type signed struct {
	AppID     string `json:"appId"`
	Timestamp int64  `json:"timestamp"`
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`
	URL       string `json:"url"`
}

// truth judges what replicas serve by what is alive in the simulator. It shares
// the simulator's clock, so it can say to the millisecond when a value died.
type truth struct {
	t       testing.TB
	sim     *simulator.Simulator
	classic map[string]bool // accounts with classic tokens

	mu      sync.Mutex
	tickets map[string]map[string]ticket // by account and SHA-256
}

// ticket is a jsapi ticket that was seen alive.
type ticket struct {
	text, sha256 string
	until        time.Time
}

func newTruth(t testing.TB, sim *simulator.Simulator) *truth {
	t.Helper()
	return &truth{t: t, sim: sim, classic: map[string]bool{}, tickets: map[string]map[string]ticket{}}
}

// control asks the simulator's control route without the network.
func control(t testing.TB, sim *simulator.Simulator, method, path string, body, into any) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
		return
	}
	request := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(encoded))
	request.RemoteAddr = "127.0.0.1:1"
	answer := httptest.NewRecorder()
	sim.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		t.Errorf("%s %s: status %d: %s", method, path, answer.Code, answer.Body)
		return
	}
	if into != nil {
		if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
	}
}

// look notes every ticket that is alive now.
func (tr *truth) look() {
	var view struct {
		Values []struct {
			AppID     string    `json:"app_id"`
			Kind      string    `json:"kind"`
			SHA256    string    `json:"sha256"`
			Value     string    `json:"value"`
			ExpiresAt time.Time `json:"expires_at"`
		} `json:"values"`
	}
	control(tr.t, tr.sim, http.MethodGet, "/_sim/truth", nil, &view)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, v := range view.Values {
		if v.Kind != "jsapi" {
			continue
		}
		if tr.tickets[v.AppID] == nil {
			tr.tickets[v.AppID] = map[string]ticket{}
		}
		tr.tickets[v.AppID][v.SHA256] = ticket{text: v.Value, sha256: v.SHA256, until: v.ExpiresAt}
	}
	tr.forget(time.Now().Add(-mostMemory))
}

// mostMemory is how long a dead ticket is remembered, to tell how long ago it died.
const mostMemory = 10 * time.Minute

// forget is called with tr.mu held.
func (tr *truth) forget(before time.Time) {
	for _, ofAccount := range tr.tickets {
		for sha256, known := range ofAccount {
			if known.until.Before(before) {
				delete(ofAccount, sha256)
			}
		}
	}
}

// judge finds the ticket that signed the answer to a request sent at asked. The
// answer is invalid if that ticket was dead by then, or is none.
func (tr *truth) judge(s signed, page string, asked time.Time) (by ticket, valid bool) {
	by, found := tr.signer(s, page)
	if !found {
		tr.look()
		by, found = tr.signer(s, page)
	}
	return by, found && by.until.After(asked)
}

func (tr *truth) signer(s signed, page string) (ticket, bool) {
	rest := "&noncestr=" + s.NonceStr + "&timestamp=" + strconv.FormatInt(s.Timestamp, 10) + "&url=" + page
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, known := range tr.tickets[s.AppID] {
		sum := sha1.Sum([]byte("jsapi_ticket=" + known.text + rest))
		if hex.EncodeToString(sum[:]) == s.Signature {
			return known, true
		}
	}
	return ticket{}, false
}

// verify asks the simulator as WeChat's client does; the fast path above must
// agree with it.
func (tr *truth) verify(s signed, page string) (ok bool, why string) {
	var verdict struct {
		OK  bool   `json:"ok"`
		Why string `json:"why"`
	}
	control(tr.t, tr.sim, http.MethodPost, "/_sim/verify", map[string]any{
		"appid": s.AppID, "noncestr": s.NonceStr, "timestamp": s.Timestamp, "signature": s.Signature, "urls": []string{page},
	}, &verdict)
	return verdict.OK, verdict.Why
}

// aliveToken asks about a stored token by its hash.
func (tr *truth) aliveToken(appID, sha256 string) (alive bool, why string) {
	return tr.aliveTokenAt(appID, sha256, time.Now())
}

// aliveTokenAt asks whether a token lives or lived at an instant that is past.
func (tr *truth) aliveTokenAt(appID, sha256 string, at time.Time) (alive bool, why string) {
	var answer struct {
		Known     bool      `json:"known"`
		Alive     bool      `json:"alive"`
		DeadSince time.Time `json:"dead_since"`
		Why       string    `json:"why"`
	}
	control(tr.t, tr.sim, http.MethodPost, "/_sim/truth/check",
		map[string]string{"app_id": appID, "kind": "access_token", "sha256": sha256}, &answer)
	switch {
	case !answer.Known:
		return false, "WeChat does not know it"
	case !answer.Alive && !answer.DeadSince.After(at):
		return false, fmt.Sprintf("%s, %s before", answer.Why, at.Sub(answer.DeadSince).Round(time.Millisecond))
	}
	return true, ""
}
