package config

import "time"

func (l *loader) checkWeChat() {
	w := &l.cfg.WeChat
	l.upstreamURL("wechat.base_url", w.BaseURL)
	if w.FallbackURL != "" {
		l.upstreamURL("wechat.fallback_url", w.FallbackURL)
	}
	l.upstreamURL("wechat.wecom_base_url", w.WeComBaseURL)
	l.within("wechat.timeout", w.Timeout, time.Second, time.Minute)
	l.within("wechat.connect_timeout", w.ConnectTimeout, 100*time.Millisecond, time.Minute)
	if w.ConnectTimeout >= w.Timeout && !l.isFaulty("wechat.timeout") {
		l.fault("wechat.connect_timeout", "is not shorter than wechat.timeout", "shorten it")
	}
}

// safety is what a lease needs beyond the call to WeChat: 10 s of trust kept
// back, and two statements of the database of 3 s each.
const safety = 16 * time.Second

// longestScan is how rarely the keeper may look for due credentials; the
// margins leave room for a few tries.
const longestScan = time.Minute

func (l *loader) checkRefresh() {
	const life = 2 * time.Hour // of a credential
	r := &l.cfg.Refresh
	if schedule := l.schedule("refresh.scan", r.Scan); schedule != nil && pausesLongerThan(schedule, longestScan) {
		l.fault("refresh.scan", "is too rare: "+quote(r.Scan), "look at least every minute, all day long")
	}
	l.within("refresh.stable_margin", r.StableMargin, 10*time.Second, life)
	l.within("refresh.classic_margin", r.ClassicMargin, 10*time.Second, life)
	l.within("refresh.ticket_margin", r.TicketMargin, 10*time.Second, life)
	l.within("refresh.jitter", r.Jitter, 0, life/2)
	l.within("refresh.min_interval", r.MinInterval, time.Second, 10*time.Minute)
	// In classic mode the old token lives 5 minutes beside the new one: within
	// them another replica must be able to take over a lost renewal.
	l.within("refresh.lease", r.Lease, 10*time.Second, 4*time.Minute)
	l.within("refresh.probe", r.Probe, 10*time.Second, day)
	l.between("refresh.concurrency", r.Concurrency, 1, 1000)
	if least := l.cfg.WeChat.Timeout.Std() + safety; r.Lease.Std() < least {
		l.fault("refresh.lease", "is too short for a call of wechat.timeout and its publication",
			"at least "+Duration(least).String()+", or shorten wechat.timeout")
	}
	l.within("history.retention", l.cfg.History.Retention, day, 3650*day)
	l.schedule("history.purge", l.cfg.History.Purge)
}
