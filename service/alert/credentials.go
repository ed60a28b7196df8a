package alert

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

const (
	tokenKind   = "access_token"
	classicMode = "classic"
	// mostAiling bounds what one look reads. Where more is in trouble, one alert
	// for all of them says so.
	mostAiling = 2000
	// unchangedLives is how many lives long a ticket may be the same: WeChat gives
	// a new one before the old one ends, so two are a trouble already.
	unchangedLives = 2
	// leastUnchanged is the same for tickets with a short life.
	leastUnchanged = 4 * time.Hour
	// manyTries is after how many failures a credential that never was there
	// counts as one that cannot be had.
	manyTries = 3
	// sealedWords are the keeper's, where a value does not open.
	sealedWords = "a sealed value cannot be opened"
	// sealedSpan is how long after it a value that did not open is a trouble: time
	// for people to look who changed it.
	sealedSpan = 24 * time.Hour
	// overdue is how late an attempt is where nobody seems to try.
	overdue = time.Minute
	// endGrace is what the first attempts after the end of a value are given.
	endGrace = 15 * time.Second
	// mendMark parts what happened from what to do in the keeper's texts.
	mendMark = " — "
)

// credentials looks at what is stored.
func (a *Alerts) credentials(ctx context.Context, nowMs int64) ([]finding, error) {
	l := a.options.Limits
	rows, err := a.options.Store.Ailing(ctx, model.AilingLimits{
		StableMs: l.share(l.StableMargin, l.WindowWarning), ClassicMs: l.share(l.ClassicMargin, l.WindowWarning),
		TicketMs: l.share(l.TicketMargin, l.WindowWarning), UnchangedMs: leastUnchanged.Milliseconds(),
	}, mostAiling)
	if err != nil {
		return nil, err
	}
	var found []finding
	for i := range rows {
		found = append(found, a.ofCredential(&rows[i])...)
	}
	quarantined, err := a.quarantined(ctx, nowMs)
	for _, f := range quarantined {
		if !slices.ContainsFunc(found, func(other finding) bool { return other.key() == f.key() }) {
			found = append(found, f)
		}
	}
	return found, err
}

// quarantined are stored values that did not open in the last time. They are
// fetched anew within seconds; that somebody changed the database is worth an
// alert all the same.
func (a *Alerts) quarantined(ctx context.Context, nowMs int64) (found []finding, err error) {
	page, err := a.options.Store.HistoryPage(ctx, model.HistoryFilter{
		Trigger: model.TriggerRecovery, Outcome: model.OutcomeFailed, FromMs: nowMs - sealedSpan.Milliseconds(),
	}, model.HistoryKey{}, mostAiling)
	seen := map[string]bool{}
	for i := range page.Rows {
		h := &page.Rows[i]
		what, _, _ := strings.Cut(h.Errmsg, mendMark)
		if !strings.Contains(what, sealedWords) || seen[h.AppID+" "+h.Kind] {
			continue
		}
		seen[h.AppID+" "+h.Kind] = true
		found = append(found, finding{name: Sealed, severity: Critical, appID: h.AppID, kind: h.Kind, sinceMs: h.AtMs, facts: facts{
			variant: "found", "account": h.AppID, "kind": h.Kind, "text": what,
			"version": strconv.FormatInt(h.Version, 10), "found_at": milliseconds(h.AtMs),
		}})
	}
	return found, err
}

// share is so many percent of a margin, in milliseconds.
func (l Limits) share(margin time.Duration, percent int) int64 {
	return margin.Milliseconds() * int64(percent) / 100
}

// ofCredential judges one credential by the database's clock.
func (a *Alerts) ofCredential(c *model.Ailing) (found []finding) {
	what, mend, _ := strings.Cut(c.FailText, mendMark)
	told := func(name, severity string, more facts) {
		f := finding{name: name, severity: severity, appID: c.AppID, kind: c.Kind, facts: facts{
			"account": nameOf(c), "kind": c.Kind, "text": what, "mend": mend,
			"errcode": strconv.Itoa(c.FailErrcode), "tries": strconv.Itoa(c.FailCount), "end_at": milliseconds(c.ExpiresMs),
		}}
		maps.Copy(f.facts, more)
		found = append(found, f)
	}
	switch {
	case c.FailCount == 0:
	case strings.Contains(what, sealedWords):
		told(Sealed, Critical, standing(c))
	case isForPeople(c.FailErrcode, c.Kind):
		told(Refused, Critical, standing(c))
	case c.FailErrcode == usedUp:
		told(Quota, Critical, standing(c))
	}
	if severity, more := a.options.Limits.expiry(c); severity != "" {
		told(Expiring, severity, more)
	}
	unchanged := max(leastUnchanged.Milliseconds(), unchangedLives*c.LongestLifeMs)
	if c.Kind != tokenKind && c.Version > 0 && c.ExpiresMs > c.NowMs && c.NowMs-c.IssuedMs > unchanged {
		told(Unchanged, Warning, facts{"unchanged_for": milliseconds(c.NowMs - c.IssuedMs)})
	}
	return found
}

// standing picks the text for a failing credential of which none lives: that pages
// go on to its end would be wrong there.
func standing(c *model.Ailing) facts {
	switch {
	case c.Version == 0:
		return facts{variant: "never"}
	case c.Dead, c.ExpiresMs <= c.NowMs:
		return facts{variant: "ended"}
	}
	return nil
}

// expiry says how bad it is that a credential has not been renewed, "" where
// there is time enough, or where WeChat gives the same value again until its end
// (observed of tickets) and is asked in good order: nobody could mend that.
func (l Limits) expiry(c *model.Ailing) (severity string, more facts) {
	left := c.ExpiresMs - c.NowMs
	if c.Version > 0 && c.FailCount == 0 && left > -endGrace.Milliseconds() && c.NowMs-c.NextRefreshMs < overdue.Milliseconds() {
		return "", nil
	}
	window := min(l.margin(c).Milliseconds(), c.LongestLifeMs/2)
	switch {
	case c.Version == 0 && c.FailCount < manyTries:
		return "", nil
	case c.Version == 0:
		return Critical, facts{variant: "never"}
	case left <= 0 && c.FailCount == 0: // a ticket waits for its token, or nobody renews
		return Critical, facts{variant: "waits"}
	case c.Dead && c.FailCount > 0, left <= 0:
		return Critical, facts{variant: "ended"}
	case left*100 < window*int64(l.WindowCritical):
		severity = Critical
	case left*100 < window*int64(l.WindowWarning):
		severity = Warning
	default:
		return "", nil
	}
	more = facts{"left_for": milliseconds(left)}
	if c.FailCount == 0 {
		more[variant] = "untried"
	}
	return severity, more
}

// margin is how long before its end the credential is renewed.
func (l Limits) margin(c *model.Ailing) time.Duration {
	switch {
	case c.Kind != tokenKind:
		return l.TicketMargin
	case c.TokenMode == classicMode:
		return l.ClassicMargin
	}
	return l.StableMargin
}

// nameOf is an account as people know it.
func nameOf(c *model.Ailing) string {
	if c.AccountName == "" || c.AccountName == c.AppID {
		return c.AppID
	}
	return c.AccountName + " (" + c.AppID + ")"
}
