package simulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// truthView is the answer of GET /_sim/truth: every value alive now.
type truthView struct {
	Now    time.Time    `json:"now"`
	Values []truthValue `json:"values"`
}

type truthValue struct {
	AppID     string    `json:"app_id"`
	Kind      string    `json:"kind"`
	Chain     string    `json:"chain"`
	Current   bool      `json:"current"` // the newest of its chain
	SHA256    string    `json:"sha256"`
	Value     string    `json:"value"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"` // when it really dies, as things stand
}

func (s *Simulator) showTruth(w http.ResponseWriter, r *http.Request) {
	appID := r.FormValue("app_id")
	s.mu.Lock()
	view := truthView{Now: s.now(), Values: []truthValue{}}
	for _, a := range s.accounts {
		if appID != "" && appID != a.AppID {
			continue
		}
		for _, v := range a.issued {
			if v.alive(view.Now) {
				view.Values = append(view.Values, v.truth())
			}
		}
	}
	s.mu.Unlock()
	slices.SortStableFunc(view.Values, func(x, y truthValue) int { return strings.Compare(x.AppID, y.AppID) })
	writeControl(w, http.StatusOK, view)
}

func (v *value) truth() truthValue {
	a := v.account
	return truthValue{
		AppID: v.appID, Kind: v.kind, Chain: v.chain, SHA256: v.sha256, Value: v.text,
		Current:  v == a.classic.current || v == a.stable.current || v == a.agent.current || v == a.tickets[v.kind],
		IssuedAt: v.issued, ExpiresAt: v.until,
	}
}

type truthQuestion struct {
	AppID  string `json:"app_id"`
	Kind   string `json:"kind"`
	SHA256 string `json:"sha256"`
}

type truthAnswer struct {
	Known     bool       `json:"known"` // issued by the simulator and not forgotten
	Alive     bool       `json:"alive"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // while alive
	DeadSince *time.Time `json:"dead_since,omitempty"`
	Why       string     `json:"why,omitempty"` // what it died of
}

// checkTruth is one map look-up: a prober may ask it a thousand times a second.
func (s *Simulator) checkTruth(q truthQuestion) (truthAnswer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts[q.AppID] == nil {
		return truthAnswer{}, errAccount
	}
	v, until := s.vault.bySHA[strings.ToLower(q.SHA256)], time.Time{}
	switch {
	case v == nil || v.appID != q.AppID || v.kind != q.Kind:
		return truthAnswer{}, nil
	case v.alive(s.now()):
		until = v.until
		return truthAnswer{Known: true, Alive: true, ExpiresAt: &until}, nil
	}
	until = v.until
	return truthAnswer{Known: true, DeadSince: &until, Why: orDefault(v.killed, "its life was over")}, nil
}
