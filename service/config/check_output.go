package config

import (
	"net/mail"
	"strconv"
	"strings"
	"time"
)

func (l *loader) checkRedis() {
	r := &l.cfg.Publish.Redis
	l.between("publish.redis.db", r.DB, 0, 1<<16)
	l.template("publish.redis.token_key", r.TokenKey, "{app_id}")
	l.template("publish.redis.ticket_key", r.TicketKey, "{app_id}", "{kind}")
	if r.TLSCA != "" && !r.TLS {
		l.fault("publish.redis.tls_ca", "has no effect without publish.redis.tls", "set tls = true, or remove it")
	}
	if r.Address != "" {
		if !isAddress(r.Address) {
			l.fault("publish.redis.address", "is not host:port: "+quote(r.Address), `write it as in "127.0.0.1:6379"`)
		}
		return
	}
	for _, key := range []string{"username", "password", "db", "tls"} {
		if path := "publish.redis." + key; l.differs(path) {
			l.fault(path, "has no effect without publish.redis.address", "set the address, or remove it")
		}
	}
}

// template checks a key template: each account, and each kind, needs a key of
// its own.
func (l *loader) template(path, value string, marks ...string) {
	rest := value
	for _, mark := range marks {
		if strings.Count(value, mark) != 1 {
			l.fault(path, "must hold "+mark+" once", "otherwise one value would overwrite another")
		}
		rest = strings.ReplaceAll(rest, mark, "")
	}
	if strings.ContainsAny(rest, "{}") || strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r > '~' }) {
		l.fault(path, "holds blanks, braces or other marks", "allowed are "+alternatives(marks)+" and plain letters")
	}
}

func (l *loader) checkWebhooks() {
	for i := range l.cfg.Webhooks {
		hook, path := &l.cfg.Webhooks[i], join("webhook", strconv.Itoa(i))
		l.hookURL(join(path, "url"), hook.URL)
		for j := range i {
			if hook.URL != "" && hook.URL == l.cfg.Webhooks[j].URL {
				l.fault(join(path, "url"), "is that of webhook["+strconv.Itoa(j)+"] too", "make one of the two, with the events of both")
			}
		}
		l.hookSecret(join(path, "secret"), hook.Secret.Reveal())
		l.eachOneOf(join(path, "events"), hook.Events, "credential.renewed", "credential.failed",
			"credential.expired", "alert.raised", "alert.cleared")
	}
}

func (l *loader) checkOutbound() {
	for i, entry := range l.cfg.Outbound.Allow {
		if !isNetwork(entry) && !isHostPattern(entry) {
			l.fault(join("outbound.allow", strconv.Itoa(i)), "is neither a network nor a name: "+quote(entry),
				`write it as in "10.0.0.0/8", "hooks.internal" or "*.svc.cluster.local"`)
		}
	}
}

// isHostPattern takes names, and all names below one, without a port.
func isHostPattern(text string) bool {
	name := strings.TrimSuffix(strings.TrimPrefix(text, "*."), ".")
	return name != "" && len(name) < 254 && !strings.HasPrefix(name, ".") && printable(name) && !strings.ContainsAny(name, "*/:@?# ")
}

// hookURL lets a query pass, which many receivers use to tell senders apart.
func (l *loader) hookURL(path, text string) {
	if text == "" {
		l.fault(path, "is missing", `write where to post to, as in "https://example.com/hook"`)
		return
	}
	if parsed, ok := parseURL(text); !ok || parsed.User != nil || parsed.Fragment != "" {
		l.fault(path, "must be an http or https URL without user and fragment", `write it as in "https://example.com/hook"`)
	}
}

func (l *loader) hookSecret(path, text string) {
	const shortest = 16
	switch {
	case text == "":
		l.fault(path, "is missing", "the receiver needs it to tell our messages from others: write 16 characters or more")
	case len(text) < shortest:
		l.fault(path, "is too short", "write 16 characters or more")
	}
}

func (l *loader) checkAlert() {
	a := &l.cfg.Alert
	l.between("alert.window_warning", a.WindowWarning, 1, 100)
	l.between("alert.window_critical", a.WindowCritical, 1, 100)
	if a.WindowCritical >= a.WindowWarning {
		l.fault("alert.window_critical", "is not less than alert.window_warning", "lower it")
	}
	l.between("alert.force_budget_low", a.ForceBudgetLow, 0, 20)
	l.within("alert.clock_difference", a.ClockDifference, time.Second, time.Hour)
	l.hours("alert.quiet_hours", a.QuietHours)
	l.checkSMTP(&a.SMTP)
	if a.Webhook.URL != "" {
		l.hookURL("alert.webhook.url", a.Webhook.URL)
		l.hookSecret("alert.webhook.secret", a.Webhook.Secret.Reveal())
	} else if !a.Webhook.Secret.IsZero() {
		l.fault("alert.webhook.secret", "has no effect without alert.webhook.url", "set the url, or remove it")
	}
	if robot := a.WeComRobot.URL; !robot.IsZero() {
		if parsed, ok := parseURL(robot.Reveal()); !ok || parsed.Scheme != "https" && !isLoopback(parsed.Hostname()) {
			l.fault("alert.wecom_robot.url", "is not an https URL", "copy it from the robot's page in WeCom")
		}
	}
}

// hours checks a part of the day; "" is none.
func (l *loader) hours(path, text string) {
	if text == "" {
		return
	}
	from, to, _ := strings.Cut(text, "-")
	_, err1 := time.Parse("15:04", from)
	_, err2 := time.Parse("15:04", to)
	if err1 != nil || err2 != nil || from == to {
		l.fault(path, "is no part of the day: "+quote(text), `write it as in "22:00-08:00"`)
	}
}

func (l *loader) checkSMTP(s *SMTP) {
	l.between("alert.smtp.port", s.Port, 1, 65535)
	l.oneOf("alert.smtp.tls", s.TLS, "starttls", "tls", "none")
	if s.Host == "" {
		for _, key := range []string{"port", "username", "password", "from", "to", "tls"} {
			if path := "alert.smtp." + key; l.differs(path) {
				l.fault(path, "has no effect without alert.smtp.host", "set the host, or remove it")
			}
		}
		return
	}
	if !isAddress(s.Host+":1") && !isAddress("["+s.Host+"]:1") {
		l.fault("alert.smtp.host", "is not a host: "+quote(s.Host), `write it as in "smtp.example.com", the port stands in alert.smtp.port`)
	}
	if (s.Username == "") != s.Password.IsZero() {
		l.fault("alert.smtp.password", "and alert.smtp.username belong together", "set both or none")
	}
	if s.TLS == "none" && !s.Password.IsZero() && !isLoopback(s.Host) {
		l.fault("alert.smtp.tls", "would send the password in the clear", `choose "starttls" or "tls"`)
	}
	l.mailAddress("alert.smtp.from", s.From)
	if len(s.To) == 0 {
		l.fault("alert.smtp.to", "is empty", `write who gets the mail, as in ["ops@example.com"]`)
	}
	for i, to := range s.To {
		l.mailAddress(join("alert.smtp.to", strconv.Itoa(i)), to)
	}
}

func (l *loader) mailAddress(path, text string) {
	if _, err := mail.ParseAddress(text); err != nil || !printable(text) {
		l.fault(path, "is not a mail address: "+quote(text), `write it as in "ops@example.com"`)
	}
}
