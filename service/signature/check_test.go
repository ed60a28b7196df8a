package signature_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

const checkedPage = "https://h5.example.com/a?b=1"

// checkerAt is a checker of one account whose ticket was fetched an hour before
// now.
func checkerAt(t *testing.T, now time.Time) *signature.Checker {
	t.Helper()
	domain, err := pageurl.ParsePattern("h5.example.com")
	if err != nil {
		t.Fatal(err)
	}
	table := snapshot.NewTable()
	table.PutAccounts(
		snapshot.Account{AppID: "wx1", Enabled: true, Domains: []pageurl.Pattern{domain}, Tickets: []string{snapshot.KindJSAPI, snapshot.KindWXCard}},
		snapshot.Account{AppID: "wxempty", Tickets: []string{snapshot.KindJSAPI}}, snapshot.Account{AppID: "wxnone"},
	)
	for kind, value := range map[string]string{
		snapshot.KindJSAPI: officialTicket, snapshot.KindWXCard: "card-ticket",
		snapshot.KindAccessToken: "the-token",
	} {
		table.PutCredential("wx1", snapshot.Credential{
			Kind: kind, Value: secret.New(value), Version: 3, IssuedAt: now.Add(-time.Hour).UnixMilli(), ExpiresAt: now.Add(time.Hour).UnixMilli(),
			Deadline: now.Add(time.Hour),
		})
	}
	checker, err := signature.NewChecker(signature.Options{Accounts: table, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

func used(now time.Time, page, signed string) signature.Used {
	return signature.Used{
		URL: page, NonceStr: usedNonce, Timestamp: strconv.FormatInt(now.Unix(), 10), Signature: signature.Sign(live, usedNonce,
			now.Unix(), signed),
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	now := time.Now()
	checker := checkerAt(t, now)
	f, err := checker.Check(signature.Case{Used: used(now, checkedPage+"#x", checkedPage)})
	if err != nil || !f.Right || f.AppID != "wx1" || f.Version != 3 || f.Difference != nil || f.Page != checkedPage ||
		f.Fingerprint != live.Fingerprint() || strings.Contains(f.StringToSign, officialTicket) ||
		!strings.HasSuffix(f.StringToSign, "&url="+checkedPage) {
		t.Errorf("the right one: %+v, %v", f, err)
	}
	f, err = checker.Check(signature.Case{AppID: "wx1", Used: used(now, checkedPage, "http://h5.example.com/a?b=1")})
	if err != nil || f.Right || f.Cause != signature.CauseScheme || f.Difference == nil ||
		!slices.Contains(f.Difference.Causes, signature.ContrastScheme) {
		t.Errorf("the other scheme: %+v, %v", f, err)
	}
	const elsewhere = "https://h5.example.com/b"
	f, err = checker.Check(signature.Case{AppID: "wx1", Signed: elsewhere, Used: used(now, checkedPage, elsewhere)})
	if err != nil || f.Right || f.Cause != signature.CauseOtherURL || f.Signed != elsewhere || f.Difference == nil {
		t.Errorf("another page: %+v, %v", f, err)
	}
	for name, c := range map[string]struct {
		change func(*signature.Case)
		hint   signature.Hint
	}{
		"form":          {func(c *signature.Case) { c.Signature = c.Signature[:39] }, signature.HintForm},
		"not hex":       {func(c *signature.Case) { c.Signature = strings.Repeat("g", 40) }, signature.HintForm},
		"fragment":      {func(c *signature.Case) { c.URL += "#a" }, signature.HintFragment},
		"future":        {func(c *signature.Case) { c.Timestamp = strconv.FormatInt(now.Unix()+3600, 10) }, signature.HintFuture},
		"old ticket":    {func(c *signature.Case) { c.Timestamp = strconv.FormatInt(now.Unix()-7200, 10) }, signature.HintBefore},
		"domain":        {func(c *signature.Case) { c.URL = "https://other.example/" }, signature.HintDomain},
		"no url":        {func(c *signature.Case) { c.URL = "h5.example.com" }, signature.HintURL},
		"signed":        {func(c *signature.Case) { c.Signed = "https://h5.example.com/b" }, signature.HintSigned},
		"other ticket":  {func(c *signature.Case) { c.Ticket = "old" }, signature.HintTicketOther},
		"live ticket":   {func(c *signature.Case) { c.Ticket = officialTicket }, signature.HintTicketLive},
		"nothing at it": {func(*signature.Case) {}, ""},
	} {
		of := signature.Case{AppID: "wx1", Used: used(now, checkedPage, checkedPage)}
		c.change(&of)
		f, err := checker.Check(of)
		if err != nil || c.hint != "" && !slices.Contains(f.Hints, c.hint) || c.hint == "" && len(f.Hints) > 0 {
			t.Errorf("%s: hints %v, %v", name, f.Hints, err)
		}
		if strings.Contains(fmt.Sprintf("%+v", f), officialTicket) {
			t.Errorf("%s: the finding tells the ticket", name)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	checker := checkerAt(t, now)
	for name, c := range map[string]struct {
		appID, page string
		want        error
	}{
		"unknown account":    {"wxnobody", checkedPage, signature.ErrAccountUnknown},
		"no account's page":  {"", "https://other.example/", signature.ErrDomainNotAllowed},
		"no page":            {"", "", pageurl.ErrMissing},
		"page that is none":  {"", "nonsense", pageurl.ErrInvalid},
		"no ticket yet":      {"wxempty", checkedPage, signature.ErrTicketNotReady},
		"keeps no ticket":    {"wxnone", checkedPage, signature.ErrTicketNotConfigured},
		"named, other pages": {"wx1", "https://other.example/", nil},
	} {
		if _, err := checker.Check(signature.Case{AppID: c.appID, Used: used(now, c.page, c.page)}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestExplainRecipes(t *testing.T) {
	t.Parallel()
	now := time.Now()
	checker := checkerAt(t, now)
	at := strconv.FormatInt(now.Unix(), 10)
	sha := func(text string) string { return signature.Digest([]byte(text)) }
	for cause, given := range map[signature.Cause]string{
		signature.CauseToken:       signature.Sign(secret.New("the-token"), usedNonce, now.Unix(), checkedPage),
		signature.CauseOtherTicket: signature.Sign(secret.New("card-ticket"), usedNonce, now.Unix(), checkedPage),
		signature.CauseNonceName:   sha("jsapi_ticket=" + officialTicket + "&nonceStr=" + usedNonce + "&timestamp=" + at + "&url=" + checkedPage),
		signature.CauseOrder:       sha("noncestr=" + usedNonce + "&jsapi_ticket=" + officialTicket + "&timestamp=" + at + "&url=" + checkedPage),
		signature.CauseHostCase:    "",
	} {
		of := used(now, checkedPage, checkedPage)
		of.Signature = given
		if cause == signature.CauseHostCase {
			of = used(now, "https://H5.Example.com/a?b=1", checkedPage)
		}
		f, err := checker.Check(signature.Case{AppID: "wx1", Used: of})
		if err != nil || f.Right || f.Cause != cause || f.Mistake == "" {
			t.Errorf("%s: %+v, %v", cause, f.Explanation, err)
		}
	}
}

func TestReadPaste(t *testing.T) {
	t.Parallel()
	full := signature.Case{AppID: "wx1", Used: signature.Used{
		NonceStr: "Nonce1", Timestamp: "1414587457",
		Signature: strings.Repeat("a", 40),
	}}
	withSigned := full
	withSigned.Signed = "https://h5.example.com/a?b=1&c=%2F"
	sig := strings.Repeat("a", 40)
	for name, c := range map[string]struct {
		text string
		want signature.Case
	}{
		"json": {`{"appId":"wx1","timestamp":1414587457,"nonceStr":"Nonce1","signature":"` + sig +
			`","url":"https://h5.example.com/a?b=1&c=%2F","jsApiList":["a"]}`, withSigned},
		"escaped json": {`{"appId":"wx1","timestamp":1414587457,"nonceStr":"Nonce1","signature":"` + sig +
			`","url":"https:\/\/h5.example.com\/a?b=1\u0026c=%2F"}`, withSigned},
		"javascript":     {"wx.config({ debug: true, appId: 'wx1', timestamp: 1414587457, nonceStr: 'Nonce1',\n signature: '" + sig + "', jsApiList: [] })", full},
		"quoted number":  {`{appId:"wx1",timestamp:"1414587457",noncestr:"Nonce1",signature:"` + sig + `"}`, full},
		"lines":          {"appId: wx1\ntimestamp: 1414587457\nnonceStr: Nonce1\nsignature: " + sig, full},
		"query":          {"appid=wx1&timestamp=1414587457&noncestr=Nonce1&signature=" + sig, full},
		"first one wins": {`{"appId":"wx1"} {"appId":"wx2"}`, signature.Case{AppID: "wx1"}},
		"string to sign": {"jsapi_ticket=T-1_x&noncestr=Nonce1&timestamp=1414587457&url=https://h5.example.com/a?b=1&c=%2F", signature.Case{Ticket: "T-1_x", Signed: withSigned.Signed, Used: signature.Used{NonceStr: "Nonce1", Timestamp: "1414587457"}}},
		"android's error": {
			`{"realAuthUrl":"[https://h/a?x=1, https://h/a?x=1]","errMsg":"config:invalid signature"}`,
			signature.Case{Used: signature.Used{URL: "https://h/a?x=1"}},
		},
		"ios's error": {
			`{"realAuthUrl":["https://h/a?x=1"],"errMsg":"config:invalid signature"}`,
			signature.Case{Used: signature.Used{URL: "https://h/a?x=1"}},
		},
	} {
		got, err := signature.ReadPaste(c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, text := range []string{"", "hello", "{}", "appId", "wx.config({})"} {
		if got, err := signature.ReadPaste(text); !errors.Is(err, signature.ErrNothingToCheck) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzReadPaste(f *testing.F) {
	for _, seed := range []string{
		"", `{"appId":"wx"}`, "jsapi_ticket=T&noncestr=N&timestamp=1&url=U", `nonceStr: 'a\'b"c'`,
		`"url":"\ud800"`, "url=[", "realAuthUrl:[https://a]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := signature.ReadPaste(text)
		if (err == nil) == (c == signature.Case{}) {
			t.Fatalf("%q: %+v, %v", text, c, err)
		}
		if again := c.Over(c); again != c {
			t.Fatalf("laid over itself: %+v", again)
		}
	})
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signed, open string
		want         []signature.Contrast
	}{
		"same":         {"https://h/a", "https://h/a", nil},
		"fragment":     {"https://h/a", "https://h/a#b", []signature.Contrast{signature.ContrastFragment}},
		"scheme":       {"http://h/a", "https://h/a", []signature.Contrast{signature.ContrastScheme}},
		"host":         {"https://h/a", "https://i/a", []signature.Contrast{signature.ContrastHost}},
		"host case":    {"https://h/a", "https://H/a", []signature.Contrast{signature.ContrastHostCase}},
		"port":         {"https://h/a", "https://h:443/a", []signature.Contrast{signature.ContrastPort}},
		"slash":        {"https://h", "https://h/", []signature.Contrast{signature.ContrastSlash}},
		"path":         {"https://h/a", "https://h/b", []signature.Contrast{signature.ContrastPath}},
		"html":         {"https://h/a?b=1&amp;c=2", "https://h/a?b=1&c=2", []signature.Contrast{signature.ContrastHTML}},
		"encoded once": {"https%3A%2F%2Fh%2Fa", "https://h/a", []signature.Contrast{signature.ContrastTwice}},
		"encoded more": {"https://h/a?b=%25E4", "https://h/a?b=%E4", []signature.Contrast{signature.ContrastTwice}},
		"encoding":     {"https://h/%61?b=c", "https://h/a?b=%63", []signature.Contrast{signature.ContrastEncoding}},
		"hex case":     {"https://h/a?b=%2f", "https://h/a?b=%2F", []signature.Contrast{signature.ContrastHexCase}},
		"share":        {"https://h/a?b=1", "https://h/a?b=1&from=timeline&isappinstalled=0", []signature.Contrast{signature.ContrastShare}},
		"query":        {"https://h/a", "https://h/a?b=1", []signature.Contrast{signature.ContrastQuery}},
		"order":        {"https://h/a?b=1&c=2", "https://h/a?c=2&b=1", []signature.Contrast{signature.ContrastQueryOrder}},
		"parameters":   {"https://h/a?b=1", "https://h/a?b=2", []signature.Contrast{signature.ContrastParameters}},
		"several":      {"http://h/a", "https://i/b?c", []signature.Contrast{signature.ContrastScheme, signature.ContrastHost, signature.ContrastPath, signature.ContrastQuery}},
		"no urls":      {"%zz", "://", nil},
	} {
		d := signature.Compare(c.signed, c.open)
		if diff := cmp.Diff(c.want, d.Causes); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	d := signature.Compare("https://h/a?b=%2f&x", "https://h/a?b=%2F&x")
	want := []signature.Piece{{Text: "https://h/a?b=", Same: true}, {Text: "%2F"}, {Text: "&x", Same: true}}
	if diff := cmp.Diff(want, d.Real); diff != "" {
		t.Error(diff)
	}
}

// The pieces put together are the two URLs again, and what is the same is the same
// in both.
func FuzzCompare(f *testing.F) {
	f.Add("https://h/a?b=1&amp;c", "https://h/a?b=1&c")
	f.Add("", "x")
	f.Add("%2f%2F%", "\xff\xfe分")
	f.Add(strings.Repeat("a/", 2000), strings.Repeat("/a", 2000))
	f.Fuzz(func(t *testing.T, signed, open string) {
		d := signature.Compare(signed, open)
		join := func(pieces []signature.Piece) (all, same string) {
			for _, p := range pieces {
				all += p.Text
				if p.Same {
					same += p.Text
				}
			}
			return all, same
		}
		left, sameLeft := join(d.Signed)
		right, sameRight := join(d.Real)
		if left != signed || right != open || sameLeft != sameRight {
			t.Fatalf("%q and %q came back as %q and %q, the same in them %q and %q", signed, open, left, right, sameLeft, sameRight)
		}
	})
}

// A page in WeCom signs for the corp and for one application, each with a ticket of
// its own; the corp's id is enough where the page says whose it is.
func TestCheckInWeCom(t *testing.T) {
	t.Parallel()
	_, table := inWeCom(t, snapshot.KindJSAPI, snapshot.KindAgentConfig)
	checker, err := signature.NewChecker(signature.Options{Accounts: table})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	corpID, agent, _ := strings.Cut(agentID, ":")
	signedWith := func(ticket string) signature.Used {
		return signature.Used{
			URL: agentPage, NonceStr: usedNonce, Timestamp: strconv.FormatInt(now.Unix(), 10),
			Signature: signature.Sign(secret.New(ticket), usedNonce, now.Unix(), agentPage),
		}
	}
	for name, c := range map[string]struct {
		of    signature.Case
		right bool
		cause signature.Cause
	}{
		"wx.config, by the corp": {signature.Case{AppID: corpID, Used: signedWith(officialTicket)}, true, ""},
		"wx.agentConfig":         {signature.Case{AppID: agentID, Kind: "agent_config", Used: signedWith(agentTicket)}, true, ""},
		"the corp's for agent":   {signature.Case{AppID: agentID, Kind: "agent_config", Used: signedWith(officialTicket)}, false, signature.CauseOtherTicket},
		"the agent's for corp":   {signature.Case{AppID: agentID, Used: signedWith(agentTicket)}, false, signature.CauseOtherTicket},
	} {
		f, err := checker.Check(c.of)
		if err != nil || f.Right != c.right || f.Cause != c.cause || f.AppID != agentID {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	if _, err := checker.Check(signature.Case{AppID: agentID, Kind: "wx_card", Used: signedWith(agentTicket)}); !errors.Is(err, signature.ErrTicketNotConfigured) {
		t.Errorf("a ticket that signs no page: %v", err)
	}
	if _, err := checker.Check(signature.Case{AppID: "wwother", Used: signedWith(agentTicket)}); !errors.Is(err, signature.ErrAccountUnknown) {
		t.Errorf("another corp: %v", err)
	}
	read, err := signature.ReadPaste(fmt.Sprintf(`wx.agentConfig({
  corpid: '%s', agentid: '%s', timestamp: %d, nonceStr: '%s', signature: '%s'})`,
		corpID, agent, now.Unix(), usedNonce, signedWith(agentTicket).Signature))
	if err != nil || read.AppID != agentID || read.Kind != snapshot.KindAgentConfig {
		t.Fatalf("read %+v, %v", read, err)
	}
	read.URL = agentPage
	if f, err := checker.Check(read); err != nil || !f.Right || f.Kind != snapshot.KindAgentConfig {
		t.Errorf("pasted: %+v, %v", f, err)
	}
}
