package simulator

import (
	"net/netip"
	"slices"
	"time"
)

// account is the state of one official account, of one agent of WeCom, or of a
// corp.
type account struct {
	Account
	domains []domain
	allowed []netip.Prefix
	classic chain
	stable  chain
	tickets map[string]*value // the ticket handed out now, per kind
	issued  []*value          // every value the vault still knows, oldest first
	usage   usage
	force   time.Time // the last force refresh that took effect

	wecom  bool       // an agent or a corp
	corp   *account   // of an agent
	agents []*account // of a corp
	agent  chain      // tokens of gettoken
	hour   hourly
}

func newAccount(a Account) (*account, error) {
	domains, err := parseDomains(a.Domains)
	if err != nil {
		return nil, err
	}
	allowed, err := parseIPs(a.AllowedIPs)
	if err != nil {
		return nil, err
	}
	return &account{Account: a, domains: domains, allowed: allowed, tickets: map[string]*value{}, usage: newUsage()}, nil
}

// allows reports whether the address may call; an empty list allows all.
func (a *account) allows(peer netip.Addr) bool {
	return len(a.allowed) == 0 || slices.ContainsFunc(a.allowed, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// chain is a line of tokens: the current one and those that live on in the
// overlap, newest first. The two token endpoints have one chain each.
type chain struct {
	current *value
	older   []*value
}

// handover is how a chain goes from one token to the next.
type handover struct {
	now  time.Time
	last time.Time // the old current token lives no longer than this
	keep int       // how many older tokens may live on
	why  string    // what the old ones died of
}

func (c *chain) advance(next *value, h handover) {
	if c.current != nil {
		c.current.end(h.last, h.why)
		c.older = slices.Insert(c.older, 0, c.current)
	}
	for _, v := range c.older[min(h.keep, len(c.older)):] {
		v.end(h.now, h.why)
	}
	c.older = c.older[:min(h.keep, len(c.older))]
	c.current = next
}

const overtaken = "a newer token was issued"

// nextClassic issues a token the way GET /cgi-bin/token does: always a new one,
// the previous one lives on for the overlap (documented).
func (s *Simulator) nextClassic(a *account, now time.Time) *value {
	next := s.vault.mint(a, kindToken, chainClassic, now)
	a.classic.advance(next, handover{now: now, last: now.Add(s.options.Overlap), keep: s.options.Predecessors, why: overtaken})
	s.tokenChanged(a, now)
	return next
}

// normalStable is stable_token without force: the same token until its last
// Overlap, then a new one beside it (documented).
func (s *Simulator) normalStable(a *account, now time.Time) *value {
	current := a.stable.current
	if current != nil && current.expires.Sub(now) > s.options.Overlap {
		return current
	}
	next := s.vault.mint(a, kindToken, chainStable, now)
	h := handover{now: now, last: now, keep: s.options.Predecessors, why: overtaken}
	if current != nil {
		h.last = current.expires
	}
	a.stable.advance(next, h)
	s.tokenChanged(a, now)
	return next
}

// forceStable is a force refresh: a new token; the old one dies after the
// overlap, those before it at once (documented: two forces kill a leaked token).
func (s *Simulator) forceStable(a *account, now time.Time) *value {
	h := handover{now: now, last: now.Add(s.options.Overlap), keep: s.options.Predecessors, why: "a force refresh"}
	if s.options.ForceKills {
		h.last = now
	}
	next := s.vault.mint(a, kindToken, chainStable, now)
	a.stable.advance(next, h)
	a.force = now
	s.tokenChanged(a, now)
	return next
}

// tokenChanged applies the knob TicketsDieWithToken.
func (s *Simulator) tokenChanged(a *account, now time.Time) {
	if !s.options.TicketsDieWithToken {
		return
	}
	for kind, ticket := range a.tickets {
		ticket.end(now.Add(s.options.Overlap), "a newer token was issued (TicketsDieWithToken)")
		delete(a.tickets, kind)
	}
}

// nextTicket is getticket: the same ticket until its end, or a new one each
// time with FreshTickets. A new ticket does not kill the old one (observed).
func (s *Simulator) nextTicket(a *account, kind string, now time.Time) *value {
	current := a.tickets[kind]
	if current != nil && !s.options.FreshTickets && current.expires.Sub(now) > s.options.TicketEarly {
		return current
	}
	next := s.vault.mint(a, kind, chainTicket, now)
	if current != nil && s.options.TicketOverlap != 0 {
		current.end(now.Add(max(s.options.TicketOverlap, 0)), "a newer ticket was issued (TicketOverlap)")
	}
	a.tickets[kind] = next
	return next
}
