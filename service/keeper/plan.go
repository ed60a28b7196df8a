package keeper

import (
	"errors"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// Timing says how early credentials are renewed. See DefaultTiming.
type Timing struct {
	StableMargin  time.Duration // before the end of a stable token
	ClassicMargin time.Duration // before the end of a classic token
	TicketMargin  time.Duration // before the end of a ticket
	Jitter        time.Duration // most that accounts are spread apart; negative = not at all
	MinInterval   time.Duration // between two calls for one credential
	Lease         time.Duration // how long a claim lasts
}

// DefaultTiming are the values that section [refresh] of the configuration
// documents. WeChat replaces a stable token only in its last 300 s, so asking
// at 290 s gets the next one with the first call.
func DefaultTiming() Timing {
	return Timing{
		StableMargin:  290 * time.Second,
		ClassicMargin: 15 * time.Minute,
		TicketMargin:  290 * time.Second,
		Jitter:        2 * time.Minute,
		MinInterval:   30 * time.Second,
		Lease:         45 * time.Second,
	}
}

func (t Timing) withDefaults() Timing {
	d := DefaultTiming()
	for _, field := range []struct{ value, fallback *time.Duration }{
		{&t.StableMargin, &d.StableMargin},
		{&t.ClassicMargin, &d.ClassicMargin},
		{&t.TicketMargin, &d.TicketMargin},
		{&t.Jitter, &d.Jitter},
		{&t.MinInterval, &d.MinInterval},
		{&t.Lease, &d.Lease},
	} {
		if *field.value == 0 {
			*field.value = *field.fallback
		}
	}
	return t
}

const (
	// tokenDeduction is taken off a token's life: WeChat counts it in whole
	// seconds from an instant that we know only by the request's sending.
	tokenDeduction = 2 * time.Second
	// mostLateJitter spreads stable tokens and tickets after their margin,
	// where there is little room.
	mostLateJitter = 20 * time.Second
	// unknownBirthRecheck is how often a ticket is fetched again whose birth
	// nobody saw: getticket always says 7200 s, so its true end is unknown
	// until it changes.
	unknownBirthRecheck = 5 * time.Minute
	// mostDoubt is how much earlier than its answer a ticket may have been born
	// for its end to be told. Beyond that its birth is unknown.
	mostDoubt = unknownBirthRecheck
	// ticketEndRetry and disbelief: the ticket that getticket still gives at
	// its end is dying. Ask every second; believe it only if it is still the
	// same so long after.
	ticketEndRetry = time.Second
	disbelief      = 10 * time.Second
)

// planner decides by numbers alone: it reads no clock and calls nobody. All
// instants are Unix milliseconds of the database's clock.
type planner struct{ timing Timing }

// margin is how long before its end a credential is renewed: never more than
// half of the longest life that was seen of it.
func (p planner) margin(kind string, mode wechat.Mode, longestLifeMs int64) int64 {
	margin := p.timing.TicketMargin
	if kind == snapshot.KindAccessToken {
		margin = p.timing.StableMargin
		if mode == wechat.Classic {
			margin = p.timing.ClassicMargin
		}
	}
	return min(margin.Milliseconds(), longestLifeMs/2)
}

// renewAt is when a credential that ends at expiresMs is to be renewed. Classic
// tokens are spread before the margin, the others after it: in their case
// WeChat has nothing new to give earlier.
func (p planner) renewAt(kind string, mode wechat.Mode, expiresMs, longestLifeMs int64) int64 {
	margin := p.margin(kind, mode, longestLifeMs)
	jitter := min(p.timing.Jitter.Milliseconds(), margin/4)
	if kind == snapshot.KindAccessToken && mode == wechat.Classic {
		return expiresMs - margin - spread(jitter)
	}
	return expiresMs - margin + spread(min(jitter, mostLateJitter.Milliseconds()))
}

func spread(ms int64) int64 {
	return int64(upTo(time.Duration(max(ms, 0))))
}

// verdict is what an answer of WeChat means for the stored row.
type verdict struct {
	publish       bool // a new life: next version
	expiresMs     int64
	nextRefreshMs int64
	birthKnown    bool
}

// received is an answer with what is known of its instant.
type received struct {
	hash   string
	lifeMs int64 // expires_in
	sentMs int64 // when the request was sent
	nowMs  int64 // when the answer is judged
}

// judge decides what an answer means. A value that differs is a new life. The
// same value keeps the earlier expiry, because getticket says 7200 s however
// old the ticket is; only when it has outlived that expiry is it believed. A
// token of WeCom is judged like a ticket.
func (p planner) judge(row *model.Credential, mode wechat.Mode, r received) verdict {
	isToken := row.Kind == snapshot.KindAccessToken && mode != wechat.WeComMode
	expiresMs := r.sentMs + r.lifeMs
	if isToken {
		expiresMs -= tokenDeduction.Milliseconds()
	}
	longest := max(row.LongestLifeMs, r.lifeMs)
	switch {
	case r.hash != row.ValueHash, fromFuture(row, r.sentMs):
		doubtMs := doubt(row, r)
		v := verdict{publish: true, expiresMs: expiresMs, birthKnown: isToken || r.hash != row.ValueHash && sawItsBirth(row, r)}
		switch {
		case isToken:
		case doubtMs > mostDoubt.Milliseconds():
			v.birthKnown = false
		default:
			v.expiresMs -= doubtMs
		}
		return p.schedule(row.Kind, mode, v, longest, r.nowMs)
	case believed(isToken, row, r):
		v := verdict{publish: true, expiresMs: expiresMs, birthKnown: isToken}
		return p.schedule(row.Kind, mode, v, longest, r.nowMs)
	}
	v := verdict{expiresMs: min(row.ExpiresMs, expiresMs), birthKnown: row.BirthKnown}
	return p.again(row.Kind, mode, v, longest, r.nowMs)
}

// doubt is how much earlier than this answer's request a new ticket may have been
// born, in milliseconds: an attempt before, whose answer was lost or whose holder
// vanished, may have made it, and getticket gives it again with the life of a new
// one (observed). A note from before the last publish is a program's that did not
// know of it yet.
func doubt(row *model.Credential, r received) int64 {
	if row.AskedMs == 0 || row.AskedMs < row.IssuedMs {
		return 0
	}
	return max(0, r.sentMs-row.AskedMs)
}

// isUnissued reports whether an attempt is known to have brought nothing into
// being at WeChat's: WeChat said so, or was not reached.
func isUnissued(cause error) bool {
	return errcodeOf(cause) != 0 || errors.Is(cause, errNotRisked) || errors.Is(cause, errNoBudget) || errors.Is(cause, wechat.ErrRequest) ||
		errors.Is(cause, wechat.ErrUnreachable) || errors.Is(cause, wechat.ErrUntrusted) || errors.Is(cause, errSealed)
}

// sawItsBirth reports whether a ticket replaced one that we were watching. One
// that had ended long ago tells nothing: while we were away, somebody else may
// have fetched the new one, and getticket calls it 7200 s however old it is.
func sawItsBirth(row *model.Credential, r received) bool {
	return row.Version > 0 && r.sentMs <= row.ExpiresMs+unknownBirthRecheck.Milliseconds()
}

// fromFuture reports whether a row was written by a clock that has been set back
// since then: its instants mean nothing.
func fromFuture(row *model.Credential, nowMs int64) bool {
	return row.Version > 0 && row.IssuedMs > nowMs+clockStep.Milliseconds()
}

// believed reports whether a value that came back again has begun a new life.
func believed(isToken bool, row *model.Credential, r received) bool {
	if isToken {
		return r.sentMs >= row.ExpiresMs
	}
	latestMs := min(row.IssuedMs+row.LongestLifeMs, row.ExpiresMs+mostDoubt.Milliseconds()) // its end, if no earlier attempt made it
	return r.sentMs >= max(latestMs, row.ExpiresMs)+disbelief.Milliseconds()
}

// schedule sets the next renewal of a new life.
func (p planner) schedule(kind string, mode wechat.Mode, v verdict, longestLifeMs, nowMs int64) verdict {
	next := p.renewAt(kind, mode, v.expiresMs, longestLifeMs)
	if !v.birthKnown {
		next = min(next, nowMs+unknownBirthRecheck.Milliseconds())
	}
	v.nextRefreshMs = max(next, nowMs+p.timing.MinInterval.Milliseconds())
	return v
}

// again sets the next try after the same value came back: at its margin or
// after MinInterval, but once just at its end and then every second, or, where
// its end is in doubt for longer, with growing pauses.
func (p planner) again(kind string, mode wechat.Mode, v verdict, longestLifeMs, nowMs int64) verdict {
	if nowMs >= v.expiresMs {
		v.nextRefreshMs = nowMs + max(ticketEndRetry.Milliseconds(), (nowMs-v.expiresMs-disbelief.Milliseconds())/5)
		return v
	}
	next := max(v.expiresMs-p.margin(kind, mode, longestLifeMs), nowMs+p.timing.MinInterval.Milliseconds())
	if !v.birthKnown {
		next = min(next, nowMs+unknownBirthRecheck.Milliseconds())
	}
	v.nextRefreshMs = min(next, v.expiresMs)
	return v
}

// due picks the credential to work on next and tells when its time comes. A
// ticket is worked on only while there is a live token to fetch it with. The
// token goes first where both are due.
func (p planner) due(t *model.Tended) (row *model.Credential, atMs int64) {
	if !t.Enabled {
		return nil, 0
	}
	for i := range t.Credentials {
		c := &t.Credentials[i]
		if c.ConfigRev != t.ConfigRev || c.Kind != snapshot.KindAccessToken && !tokenLives(t) {
			continue
		}
		at := max(c.NextRefreshMs, p.heldUntil(c, t.NowMs), t.NowMs)
		if row == nil || at < atMs || at == atMs && c.Kind == snapshot.KindAccessToken {
			row, atMs = c, at
		}
	}
	return row, atMs
}

// heldUntil is the end of a claim on the row. A claim that would end absurdly
// late is the trace of a clock that was stepped back, and counts as none.
func (p planner) heldUntil(c *model.Credential, nowMs int64) int64 {
	if c.LeaseUntilMs > nowMs+model.LeaseSlack*p.timing.Lease.Milliseconds() {
		return 0
	}
	return c.LeaseUntilMs
}

func tokenLives(t *model.Tended) bool {
	token := t.Credential(snapshot.KindAccessToken)
	return token != nil && token.ExpiresMs > t.NowMs && !token.Dead()
}
