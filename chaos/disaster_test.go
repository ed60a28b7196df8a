package chaos_test

import (
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"time"
)

// bring carries out one disaster; false: its victim is broken already.
func (s *storm) bring(d disaster) bool {
	r := s.c.replicas[d.replica]
	switch d.name {
	case "database cut":
		return s.breakFor(d, "database", r.db.Cut, r.db.Restore)
	case "database hangs":
		return s.breakFor(d, "database", r.db.Hang, r.db.Restore)
	case "WeChat unreachable":
		return s.breakFor(d, "WeChat", func() { r.door.setShut(true) }, func() { r.door.setShut(false) })
	case "WeChat answers badly":
		s.misbehave(d)
		return true
	case "process stopped":
		return r.running() && s.breakFor(d, "process", func() { r.signal(syscall.SIGSTOP) }, func() { r.signal(syscall.SIGCONT) })
	case "kill":
		return r.alive() && s.breakFor(d, "process", r.kill, func() {})
	case "kill at a point":
		return s.waylay(d)
	case "restart":
		return r.running() && s.breakFor(d, "process", func() { r.signal(syscall.SIGTERM) }, func() {})
	case "database killed":
		return s.killDatabase(d)
	default:
		return s.loseOne(d)
	}
}

// breakFor breaks one thing of a replica and mends it later.
func (s *storm) breakFor(d disaster, what string, broken, mend func()) bool {
	key := fmt.Sprint(what, " ", d.replica)
	if s.away[key] {
		return false
	}
	s.away[key] = true
	broken()
	s.later(d.hold, func() {
		mend()
		s.away[key] = false
	})
	return true
}

// misbehave orders a fault of WeChat for the next calls.
func (s *storm) misbehave(d disaster) {
	orders := []map[string]any{
		{"mode": "slow", "delay": "1s"},
		{"mode": "slow", "delay": "3s"},
		{"mode": "slow", "delay": "3s", "issue": true},
		{"mode": "hang", "delay": "5s"},
		{"mode": "hang", "delay": "5s", "issue": true},
		{"mode": "cut"},
		{"mode": "cut", "issue": true},
		{"mode": "garbage"},
		{"mode": "garbage", "issue": true},
		{"mode": "html"},
		{"mode": "empty", "issue": true},
		{"mode": "status"},
		{"mode": "huge"},
		{"mode": "gzip"},
		{"errcode": -1},
		{"errcode": 50001},
	}
	order := orders[d.dice%len(orders)]
	// Few of them for classic tokens: a fault waits for its call, and of those there are few.
	paths := []string{"/cgi-bin/token"}
	for range 4 {
		paths = append(paths, "/cgi-bin/stable_token", "/cgi-bin/ticket/getticket")
	}
	order["path"] = paths[d.dice/len(orders)%len(paths)]
	order["count"] = 1 + d.dice/100%2
	control(s.c.t, s.c.sim, http.MethodPost, "/_sim/fault", order, nil)
}

// waylay kills whoever comes to a point next.
func (s *storm) waylay(d disaster) bool {
	all := points()
	row, found := s.due(d.dice / len(all))
	if !found {
		return false
	}
	s.ambush = append(s.ambush, s.c.lay(all[d.dice%len(all)], row.AppID, row.Kind))
	return true
}

// loseOne cuts one query or reply of whoever sends it next.
func (s *storm) loseOne(d disaster) bool {
	row, found := s.due(d.dice)
	if !found {
		return false
	}
	switch d.name {
	case "claim reply cut":
		s.ambush = append(s.ambush, s.c.layCut(claims, row.AppID, row.Kind))
	case "publish reply cut":
		s.ambush = append(s.ambush, s.c.layCut(publishes, row.AppID, row.Kind))
	default:
		r := s.c.replicas[d.replica]
		r.db.CutNextQuery(func(q []byte) bool { return publishes.about(q, row.AppID, row.Kind) })
	}
	return true
}

// due picks a credential for which WeChat has a new value and makes it due.
func (s *storm) due(dice int) (row, bool) {
	rows, err := s.c.rows()
	if err != nil {
		return row{}, false // the database is one of the things that break
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return s.tooYoung(r) || r.Kind == "access_token" && !s.c.truth.classic[r.AppID] })
	r := rows[dice%len(rows)]
	return r, s.c.nudge(r.AppID, r.Kind) == nil
}

// killDatabase takes the server, or one node of it, from under the replicas.
func (s *storm) killDatabase(d disaster) bool {
	if s.away["server"] {
		return false
	}
	s.away["server"] = true
	s.server.Kill()
	s.later(d.hold, func() {
		s.server.Start()
		s.away["server"] = false
	})
	return true
}

// struck counts the ambushes that somebody fell into.
func (s *storm) struck() int {
	n := 0
	for _, a := range s.ambush {
		select {
		case <-a.struck:
			n++
		case <-time.After(0):
		}
	}
	return n
}
