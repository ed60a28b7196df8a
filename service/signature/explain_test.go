package signature_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

const (
	usedNonce = "Wm3WZYTPz0wzccnW"
	usedTime  = 1414587457
)

var (
	live   = secret.New(officialTicket)
	others = map[string]secret.Secret{snapshot.KindWXCard: secret.New("card-ticket")}
)

func explain(page, signature1 string) signature.Explanation {
	used := signature.Used{URL: page, NonceStr: usedNonce, Timestamp: strconv.Itoa(usedTime), Signature: signature1}
	return signature.Explain(used, live, others)
}

func TestExplainRight(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"https://h5.example.com/", "https://h5.example.com/a?b=1&c=%2F#/route", "https://h5.example.com"} {
		cut, _, _ := strings.Cut(page, "#")
		right := signature.Sign(live, usedNonce, usedTime, cut)
		for _, given := range []string{right, strings.ToUpper(right), " " + right + "\n"} {
			if e := explain(page, given); e != (signature.Explanation{Right: true, Expected: right, Signed: cut}) {
				t.Errorf("%s: %+v", page, e)
			}
		}
	}
}

func TestExplainFindsTheMistake(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, page, signed, mistake string }{
		{"hash", "https://h5.example.com/#/a", "https://h5.example.com/#/a", "behind # was signed"},
		{"html", "https://h5.example.com/?a=1&b=2", "https://h5.example.com/?a=1&amp;b=2", "HTML-escaped"},
		{"html the other way", "https://h5.example.com/?a=1&amp;b=2", "https://h5.example.com/?a=1&b=2", "open at a URL with &amp;"},
		{"entity", "https://h5.example.com/?a=1&copy=2", "https://h5.example.com/?a=1©=2", "read as HTML entities"},
		{"encoded", "https://h5.example.com/?a=1", "https%3A%2F%2Fh5.example.com%2F%3Fa%3D1", "signed percent-encoded"},
		{"encoded by JavaScript", "https://h5.example.com/(a)?b='c'!", "https%3A%2F%2Fh5.example.com%2F(a)%3Fb%3D'c'!", "signed percent-encoded"},
		{"decoded", "https://h5.example.com/%E5%88%86?a=%2F", "https://h5.example.com/分?a=/", "decoded once too often"},
		{"decoded, plus kept", "https://h5.example.com/?a=1+%2B", "https://h5.example.com/?a=1++", "decoded once too often"},
		{"decoded, plus to blank", "https://h5.example.com/?a=1+2", "https://h5.example.com/?a=1 2", "decoded once too often"},
		{"slash missing", "https://h5.example.com/", "https://h5.example.com", "without its slash at the end"},
		{"slash added", "https://h5.example.com/a", "https://h5.example.com/a/", "with a slash at the end"},
		{"query missing", "https://h5.example.com/a?b=1", "https://h5.example.com/a", "without its query string"},
		{"share parameters", "https://h5.example.com/a?b=1&from=timeline&isappinstalled=0", "https://h5.example.com/a?b=1", "when a page is shared"},
		{"only share parameters", "https://h5.example.com/a?from=singlemessage", "https://h5.example.com/a", "when a page is shared"},
		{"http", "https://h5.example.com/a", "http://h5.example.com/a", "other scheme"},
		{"https", "http://h5.example.com/a", "https://h5.example.com/a", "other scheme"},
		{"host only", "https://h5.example.com/a?b=1", "https://h5.example.com/", "Only the host was signed"},
		{"host only, no slash", "https://h5.example.com:8443/a?b=1", "https://h5.example.com:8443", "Only the host was signed"},
	} {
		cut, _, _ := strings.Cut(row.page, "#")
		want := signature.Sign(live, usedNonce, usedTime, cut)
		e := explain(row.page, signature.Sign(live, usedNonce, usedTime, row.signed))
		if e.Right || e.Expected != want || e.Signed != row.signed || !strings.Contains(e.Mistake, row.mistake) {
			t.Errorf("%s: %+v; want %q signed and …%s…", row.name, e, row.signed, row.mistake)
		}
	}
}

func TestExplainOtherTicketAndTime(t *testing.T) {
	t.Parallel()
	const page = "https://h5.example.com/"
	e := explain(page, signature.Sign(others[snapshot.KindWXCard], usedNonce, usedTime, page))
	if e.Right || !strings.Contains(e.Mistake, "wx_card ticket") {
		t.Errorf("card ticket: %+v", e)
	}
	used := signature.Used{URL: page, NonceStr: usedNonce, Timestamp: strconv.Itoa(usedTime) + "123", Signature: signature.Sign(live, usedNonce, usedTime, page)}
	if e := signature.Explain(used, live, nil); e.Right || !strings.Contains(e.Mistake, "milliseconds") {
		t.Errorf("milliseconds: %+v", e)
	}
	// WeChat hashes the timestamp as text, so "+7" is not 7.
	for _, timestamp := range []string{"", "now", "1414587457.5", "+1414587457", "01414587457", " 1414587457", strings.Repeat("9", 20)} {
		used.Timestamp = timestamp
		if e := signature.Explain(used, live, nil); e.Right || e.Expected != "" || !strings.Contains(e.Mistake, "not a whole number of seconds") {
			t.Errorf("timestamp %q: %+v", timestamp, e)
		}
	}
}

// What was made of something else altogether is not put down to a mistake.
func TestExplainInventsNothing(t *testing.T) {
	t.Parallel()
	const page = "https://h5.example.com/a?b=1"
	for name, given := range map[string]string{
		"other ticket":  signature.Sign(secret.New("stranger"), usedNonce, usedTime, page),
		"other nonce":   signature.Sign(live, "other", usedTime, page),
		"other time":    signature.Sign(live, usedNonce, usedTime+1, page),
		"other page":    signature.Sign(live, usedNonce, usedTime, "https://h5.example.com/b"),
		"nothing":       "",
		"no signature":  "undefined",
		"cut":           signature.Sign(live, usedNonce, usedTime, page)[:39],
		"the ticket":    officialTicket,
		"masked string": signature.StringToSign(usedNonce, usedTime, page),
	} {
		e := explain(page, given)
		if e.Right || e.Signed != "" || !strings.Contains(e.Mistake, "None of the usual mistakes") {
			t.Errorf("%s: %+v", name, e)
		}
		if strings.Contains(e.Mistake+e.Signed+e.Expected, officialTicket) {
			t.Errorf("%s: the explanation tells the ticket", name)
		}
	}
}

// An explanation is proved by the hash: it is right only for the right
// signature, and a URL it names is one that really makes what was given.
func FuzzExplain(f *testing.F) {
	for _, page := range []string{
		"https://h5.example.com/?a=1&b=%2F#/x", "", "#", "%zz", "://", "http://[::1", "a?from=1&isappinstalled=0", "&amp;&copy", "\xff",
	} {
		f.Add(page, page, usedNonce, "1414587457")
		f.Add(page, "https://h5.example.com/", usedNonce, "1414587457000")
	}
	f.Fuzz(func(t *testing.T, page, signed, nonce, timestamp string) {
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		given := signature.Sign(live, nonce, seconds, signed)
		e := signature.Explain(signature.Used{URL: page, NonceStr: nonce, Timestamp: timestamp, Signature: given}, live, others)
		cut, _, _ := strings.Cut(page, "#")
		if right := err == nil && cut == signed && strconv.FormatInt(seconds, 10) == timestamp; e.Right != right {
			t.Fatalf("right: %t, want %t: %+v", e.Right, right, e)
		}
		if e.Right != (e.Mistake == "") {
			t.Fatalf("%+v: right and a mistake, or neither", e)
		}
		if e.Signed != "" && e.Signed != signed {
			t.Fatalf("%q is named as signed, but %q was: %+v", e.Signed, signed, e)
		}
		if !e.Right && e.Expected == given {
			t.Fatalf("what was given is what was expected: %+v", e)
		}
	})
}
