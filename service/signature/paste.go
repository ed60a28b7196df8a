package signature

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/wxsign/wxsign/service/snapshot"
)

// MaxPaste is the longest text that ReadPaste looks at, in bytes.
const MaxPaste = 16 << 10

var (
	// pasted finds name and value as people copy them: JSON, a JavaScript object, a
	// query string, lines of "name: value".
	pasted = regexp.MustCompile(`(?i)["']?\b(appid|corpid|agentid|noncestr|timestamp|signature|url|realauthurl|jsapi_ticket)["']?\s*[:=]\s*` +
		`("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[^\s,;&}'"]+)`)
	// string1 finds the string to sign, whose URL may hold what ends other values.
	string1 = regexp.MustCompile(`(?i)jsapi_ticket=([^&\s"']*)&noncestr=([^&\s]*)&timestamp=([^&\s]*)&url=([^\s"']*)`)
	webURL  = regexp.MustCompile(`https?://[^\s"'\],]+`)
)

// ReadPaste reads what a page used out of whatever was copied from it: the object
// given to wx.config or wx.agentConfig, the answer of /jssdk/config, the string that was signed, or
// an error with realAuthUrl. Of several values for a field the first counts. It
// fails with ErrNothingToCheck.
func ReadPaste(text string) (Case, error) {
	text = text[:min(len(text), MaxPaste)]
	var c Case
	if m := string1.FindStringSubmatch(text); m != nil {
		c.Ticket, c.NonceStr, c.Timestamp, c.Signed = m[1], m[2], m[3], m[4]
		text = strings.Replace(text, m[0], "", 1)
	}
	var corpID, agentID string
	for _, m := range pasted.FindAllStringSubmatch(text, -1) {
		value := unquote(m[2])
		switch strings.ToLower(m[1]) {
		case "appid":
			fill(&c.AppID, value)
		case "corpid":
			fill(&corpID, value)
		case "agentid":
			fill(&agentID, value)
		case "noncestr":
			fill(&c.NonceStr, value)
		case "timestamp":
			fill(&c.Timestamp, value)
		case "signature":
			fill(&c.Signature, value)
		case "url":
			fill(&c.Signed, value)
		case "jsapi_ticket":
			fill(&c.Ticket, value)
		case "realauthurl": // on Android one string "[a, a]", on iOS a URL or a list (observed)
			fill(&c.URL, webURL.FindString(value))
		}
	}
	if corpID != "" && agentID != "" { // what wx.agentConfig is given (企业微信: agentConfig)
		c.AppID, c.Kind = corpID+":"+agentID, snapshot.KindAgentConfig
	}
	if c == (Case{}) {
		return c, ErrNothingToCheck
	}
	return c, nil
}

// Over lays the fields of c that are set over those of another case.
func (c Case) Over(other Case) Case {
	for _, field := range []struct{ is, was *string }{
		{&c.AppID, &other.AppID},
		{&c.Kind, &other.Kind},
		{&c.URL, &other.URL},
		{&c.NonceStr, &other.NonceStr},
		{&c.Timestamp, &other.Timestamp},
		{&c.Signature, &other.Signature},
		{&c.Signed, &other.Signed},
		{&c.Ticket, &other.Ticket},
	} {
		fill(field.is, *field.was)
	}
	return c
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// unquote takes a value out of its quotes.
func unquote(text string) string {
	if len(text) < 2 || text[0] != '"' && text[0] != '\'' {
		return text
	}
	inner := text[1 : len(text)-1]
	if text[0] == '\'' {
		inner = strings.ReplaceAll(strings.ReplaceAll(inner, `\'`, `'`), `"`, `\"`)
	}
	var plain string
	if err := json.Unmarshal([]byte(`"`+inner+`"`), &plain); err != nil {
		return text[1 : len(text)-1]
	}
	return plain
}
