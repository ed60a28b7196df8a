package simulator

import (
	"errors"
	"fmt"
)

type revocation struct {
	AppID string `json:"app_id"`
	What  string `json:"what"` // token or ticket
	Kind  string `json:"kind"` // token: classic, stable; ticket: jsapi, wx_card, 2; "" = all
	// StillServed lets the endpoint hand the dead value out again, until a force
	// refresh (token) or its end: the worst case for a client.
	StillServed bool `json:"still_served"`
}

type revoked struct {
	Killed []string `json:"killed"` // SHA-256 of what died
}

// revoke kills current values at once.
func (s *Simulator) revoke(q revocation) (revoked, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[q.AppID]
	if a == nil {
		return revoked{}, errAccount
	}
	slots, err := a.slots(q)
	if err != nil {
		return revoked{}, err
	}
	done, now := revoked{Killed: []string{}}, s.now()
	for _, v := range slots {
		if v == nil || !v.alive(now) {
			continue
		}
		v.end(now, "revoked")
		done.Killed = append(done.Killed, v.sha256)
		if !q.StillServed {
			a.drop(v)
		}
	}
	return done, nil
}

// slots are the current values that a revocation names.
func (a *account) slots(q revocation) ([]*value, error) {
	switch q.What + "/" + q.Kind {
	case "token/":
		return []*value{a.classic.current, a.stable.current, a.agent.current}, nil
	case "token/" + chainClassic:
		return []*value{a.classic.current}, nil
	case "token/" + chainStable:
		return []*value{a.stable.current}, nil
	case "token/" + chainAgent:
		return []*value{a.agent.current}, nil
	case "ticket/":
		return []*value{a.tickets[kindJSAPI], a.tickets[kindCard], a.tickets[kindSDK], a.tickets[kindAgent]}, nil
	case "ticket/" + kindJSAPI, "ticket/" + kindCard, "ticket/" + kindSDK, "ticket/" + kindAgent:
		return []*value{a.tickets[q.Kind]}, nil
	}
	return nil, fmt.Errorf(`what %q, kind %q: give "token" with "classic", "stable" or "gettoken", `+
		`or "ticket" with "jsapi", "wx_card", "2" or "agent_config"; an empty kind means all`, q.What, q.Kind)
}

// drop takes a value out of the place it is handed out from.
func (a *account) drop(v *value) {
	for _, line := range []*chain{&a.classic, &a.stable, &a.agent} {
		if line.current == v {
			line.current = nil
		}
	}
	if a.tickets[v.kind] == v {
		delete(a.tickets, v.kind)
	}
}

type overwriting struct {
	AppID string `json:"app_id"`
	Mode  string `json:"mode"`
}

// overwrite lets another holder of the AppSecret refresh. It counts on the
// account's quotas but is refused by none, and is no line in the ledger.
func (s *Simulator) overwrite(q overwriting) (truthValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, now := s.accounts[q.AppID], s.now()
	if a == nil {
		return truthValue{}, errAccount
	}
	if a.wecom {
		return truthValue{}, errors.New("app_id: at WeCom nobody overwrites a token; revoke it instead")
	}
	a.usage.roll(now, s.options.ResetHour)
	switch q.Mode {
	case chainClassic:
		a.usage.count(pathToken)
		return s.nextClassic(a, now).truth(), nil
	case "force":
		a.usage.count(pathStable)
		a.usage.day[forceCount]++
		return s.forceStable(a, now).truth(), nil
	}
	return truthValue{}, errors.New(`mode: give "classic" or "force"`)
}
