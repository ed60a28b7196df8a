package wechat

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

const (
	maxErrmsg = 200 // bytes of WeChat's errmsg that are kept
	maxCause  = 300 // bytes of the network stack's text that are kept
	redacted  = "[redacted]"
)

var (
	// ridPattern finds the request id at the end of an errmsg. /cgi-bin/* writes
	// "invalid appid rid: …", other paths "invalid appid, rid: …" (observed).
	ridPattern = regexp.MustCompile(`,?\s*\brid:\s*([0-9A-Za-z-]{1,64})\s*$`)
	// ipPattern finds the address WeChat saw, in the forms observed:
	// "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist" (40164),
	// "access clientip is not registered requestIP: 1.2.3.4" (61004) and, in
	// most errors of WeCom, "from ip: 1.2.3.4".
	ipPattern = regexp.MustCompile(`(?:invalid ip|requestIP:|from ip:)\s*([0-9A-Fa-f:.]+)`)
	// hintPattern finds WeCom's request id, as in "invalid corpid, hint:
	// [1642406569024700231269230], from ip: 1.2.3.4, more info at …" (observed).
	hintPattern = regexp.MustCompile(`,?\s*\bhint:\s*\[([0-9A-Za-z_.-]{1,64})\]`)
)

// clean makes foreign text fit to show: without the call's secret, without
// control characters, valid UTF-8 and at most limit bytes.
func (k call) clean(text string, limit int) string {
	for _, form := range forms(k.secret) {
		text = strings.ReplaceAll(text, form, redacted)
	}
	return printable(text, limit)
}

// forms are the ways a secret is written when something quotes a request back.
func forms(s secret.Secret) []string {
	raw := s.Reveal()
	if raw == "" {
		return nil
	}
	quoted := strconv.Quote(raw)
	asJSON, _ := json.Marshal(raw) // a string always marshals
	return []string{
		raw, url.QueryEscape(raw), url.PathEscape(raw),
		quoted[1 : len(quoted)-1], string(asJSON[1 : len(asJSON)-1]),
	}
}

// printable escapes what a terminal or a log line could take for a command
// (control and direction characters) and cuts between characters.
func printable(text string, limit int) string {
	const more = "…"
	var b strings.Builder
	for _, r := range text { // an invalid byte comes as U+FFFD
		piece := string(r)
		if !strconv.IsPrint(r) {
			piece = strings.Trim(strconv.QuoteRune(r), "'")
		}
		if b.Len()+len(piece)+len(more) > limit {
			return b.String() + more
		}
		b.WriteString(piece)
	}
	return b.String()
}

// splitRID takes the request id off an errmsg.
func splitRID(errmsg string) (text, rid string) {
	at := ridPattern.FindStringSubmatchIndex(errmsg)
	if at == nil {
		return errmsg, ""
	}
	return errmsg[:at[0]], errmsg[at[2]:at[3]]
}

// splitHint takes WeCom's request id out of an errmsg.
func splitHint(errmsg string) (text, hint string) {
	at := hintPattern.FindStringSubmatchIndex(errmsg)
	if at == nil {
		return errmsg, ""
	}
	return errmsg[:at[0]] + errmsg[at[1]:], errmsg[at[2]:at[3]]
}

// callerIP is our own egress address as WeChat saw it, "" if the errmsg names
// none or only a part of it.
func callerIP(errmsg string) string {
	found := ipPattern.FindStringSubmatch(errmsg)
	if found == nil {
		return ""
	}
	addr, err := netip.ParseAddr(found[1])
	if err != nil {
		return ""
	}
	return addr.Unmap().String()
}
