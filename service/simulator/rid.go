package simulator

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	ridCount = 1000 // recent errors that openapi/rid/get can explain
	ridAge   = 7 * 24 * time.Hour
	ridBody  = 4 << 10 // bytes of a request body that are kept
)

var ridForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$`)

// ridBook remembers the latest calls that failed.
type ridBook struct{ records []ridRecord }

type ridRecord struct {
	rid     string
	account *account
	request ridRequest
}

type ridRequest struct {
	Time     int64  `json:"invoke_time"`
	Cost     int64  `json:"cost_in_ms"`
	URL      string `json:"request_url"`
	Body     string `json:"request_body"`
	Response string `json:"response_body"`
	IP       string `json:"client_ip"`
}

func (b *ridBook) keep(rid string, c *call, response []byte) {
	if len(b.records) >= ridCount {
		b.records = b.records[1:]
	}
	b.records = append(b.records, ridRecord{rid: rid, account: c.account, request: ridRequest{
		Time: c.now.Unix(), Cost: c.now.Sub(c.entry.Time).Milliseconds(), URL: maskQuery(c.query),
		Body: c.maskedBody(), Response: string(response), IP: c.peer.String(),
	}})
}

// maskQuery shows a query as WeChat does: the first characters of a token.
func maskQuery(query url.Values) string {
	masked := url.Values{}
	for name, values := range query {
		masked[name] = values
		switch name {
		case "access_token":
			masked[name] = []string{values[0][:min(len(values[0]), 7)] + "xxxx"}
		case "secret", "appsecret":
			masked[name] = []string{"xxxx"}
		}
	}
	return masked.Encode()
}

func (c *call) maskedBody() string {
	body := string(c.head[:min(len(c.head), ridBody)])
	if c.account != nil {
		body = strings.ReplaceAll(body, c.account.Secret, "xxxx")
	}
	return body
}

type ridBodyOK struct {
	errorBody
	Request ridRequest `json:"request"`
}

// ridGet is POST openapi/rid/get: what was asked and answered under a rid of
// the last 7 days, of the same account.
func (s *Simulator) ridGet(c *call) (any, error) {
	var ask struct {
		RID string `json:"rid"`
	}
	if err := c.readJSON(&ask); err != nil {
		return nil, err
	}
	if !ridForm.MatchString(ask.RID) {
		return nil, fail(76002)
	}
	seconds, err := strconv.ParseInt(ask.RID[:8], 16, 64)
	if age := c.now.Sub(time.Unix(seconds, 0)); err != nil || age > ridAge || age < 0 {
		return nil, fail(76004)
	}
	i := slices.IndexFunc(s.rids.records, func(r ridRecord) bool { return r.rid == ask.RID })
	switch {
	case i < 0:
		return nil, fail(76001)
	case s.rids.records[i].account != c.account:
		return nil, fail(76003)
	}
	return ridBodyOK{errorBody: okBody(), Request: s.rids.records[i].request}, nil
}
