package handler

import (
	"regexp"
	"strconv"
	"strings"
)

// failure is what is known of one: whose it is, and WeChat's errcode or the
// keeper's words.
type failure struct {
	account string
	kind    string // of the credential, "" = it was in use
	errcode int
	text    string
}

// Cause explains a failure in a few words, "" where we do not know it.
func (v panelView) Cause(account, kind string, errcode int, text string) string {
	return v.optional(v.causeKey(failure{account, kind, errcode, text})+".title", "")
}

// Mend says what to do about a failure, else the keeper's own words.
func (v panelView) Mend(account, kind string, errcode int, text, otherwise string) string {
	mend := v.optional(v.causeKey(failure{account, kind, errcode, text})+".mend", otherwise)
	ip := v.optional("errcode.ip", "")
	if found := refusedIP.FindStringSubmatch(text); found != nil {
		ip = found[1]
	}
	return strings.ReplaceAll(mend, "{ip}", ip)
}

// causeKey is the text of an errcode, or of a failure without one. WeCom has
// numbers of its own, and 40001 means something else for a ticket than for a token.
func (v panelView) causeKey(f failure) string {
	if f.errcode == 0 {
		for _, cause := range causes {
			if strings.Contains(f.text, cause.words) {
				return "cause." + cause.name
			}
		}
		return "cause." // that no text has
	}
	list := "errcode."
	if isWeCom(f.account) {
		list = "errcode.wecom."
	}
	key := list + strconv.Itoa(f.errcode)
	for _, key := range []string{key + "." + f.kind, key} {
		if _, found := v.text.words[key+".title"]; found {
			return key
		}
	}
	return list + "other"
}

// isWeCom tells an account of WeCom by its id: <corp_id>:<agent_id>.
func isWeCom(account string) bool { return strings.Contains(account, ":") }

// causes are the words by which the keeper's text tells a failure that has no
// errcode; a test holds them equal to the errors' own.
var causes = []struct{ words, name string }{
	{"cannot connect", "cannot_connect"},
	{"no trusted connection", "untrusted"},
	{"not an answer of WeChat's API", "not_wechat"},
	{"garbage answer", "garbage"},
	{"deadline exceeded", "timeout"},
	{"connection broke", "broken"},
	{"a sealed value cannot be opened", "sealed"},
	{"wrong request", "request"},
	{"a token that it calls dead", "no_budget"},
	{"gave the dead token again", "still_dead"},
	{"a new classic token is not asked for", "not_risked"},
	{"the value was dropped", "dropped"},
}

// refusedIP finds the address that was refused: "invalid ip 1.2.3.4 ipv6
// ::ffff:1.2.3.4, not in whitelist", at WeCom "from ip: 1.2.3.4, more info at …"
// (observed).
var refusedIP = regexp.MustCompile(`(?:invalid ip|from ip:)\s*([0-9a-fA-F.:]*[0-9a-fA-F])`)
