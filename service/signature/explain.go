package signature

import (
	"html"
	"net/url"
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// Used is what a page handed to wx.config and WeChat refused.
type Used struct {
	URL       string // the page's address as the page's author gives it
	NonceStr  string
	Timestamp string // as the page used it
	Signature string
}

// Explanation says what a signature really was made of.
type Explanation struct {
	Right    bool   // it is right for URL with this ticket
	Expected string // the signature that would be right
	Signed   string // the URL that was signed, "" where none of the usual mistakes fits
	Mistake  string // in words, with the mend; "" where Right
}

// Explain looks for the usual mistake behind a signature: it signs the URL in
// every way that pages get wrong and compares. jsapi is the live jsapi_ticket;
// others are the account's other tickets by kind.
func Explain(used Used, jsapi secret.Secret, others map[string]secret.Secret) Explanation {
	page, _, _ := strings.Cut(used.URL, "#")
	timestamp, err := strconv.ParseInt(used.Timestamp, 10, 64)
	e := Explanation{Expected: Sign(jsapi, used.NonceStr, timestamp, page)}
	if err != nil {
		e.Mistake = "The timestamp is not a whole number of seconds. Hand the answer of /jssdk/config to wx.config as it is."
		return e
	}
	got := strings.ToLower(strings.TrimSpace(used.Signature))
	if got == e.Expected {
		return Explanation{Right: true, Expected: e.Expected, Signed: page}
	}
	for _, m := range mistakes(used.URL, page) {
		if got == Sign(jsapi, used.NonceStr, timestamp, m.url) {
			e.Signed, e.Mistake = m.url, m.text
			return e
		}
	}
	for kind, ticket := range others {
		if got == Sign(ticket, used.NonceStr, timestamp, page) {
			e.Signed, e.Mistake = page, "It was made with the "+kind+" ticket. wx.config needs the jsapi ticket: do not mix the caches of ticket types."
			return e
		}
	}
	if got == Sign(jsapi, used.NonceStr, timestamp/1000, page) {
		e.Signed, e.Mistake = page, "The page used the timestamp in milliseconds, but seconds were signed. Pass the timestamp of the answer on unchanged."
		return e
	}
	e.Mistake = "None of the usual mistakes fits. Either the nonceStr or the timestamp is not the one that was signed, or the ticket was another one: a second program refreshing this account, or a page that kept an old answer for hours."
	return e
}

// mistake is a URL that is signed by error, and what leads to it.
type mistake struct{ url, text string }

func mistakes(full, page string) []mistake {
	all := []mistake{
		{full, "The part behind # was signed too. Cut it: location.href.split('#')[0]."},
		{html.EscapeString(page), "The URL was HTML-escaped (&amp;) when it was signed. Sign location.href, not text out of the page."},
		{html.UnescapeString(page), "The page is open at a URL with &amp; in it, but & was signed. Mend the link that leads there, or sign with exact=1."},
		{url.QueryEscape(page), "The URL was signed percent-encoded. The server decodes the query value once and signs the result."},
		{strings.TrimSuffix(page, "/"), "The URL was signed without its slash at the end; browsers show one behind a bare host."},
		{page + "/", "The URL was signed with a slash at the end that the page does not have."},
		{withoutQuery(page), "The URL was signed without its query string. WeChat verifies the whole of it, also what it appends itself when a page is shared (from=, isappinstalled=)."},
		{swapScheme(page), "The URL was signed with the other scheme. Do not let the server guess the URL: behind TLS it sees http. Let the page send location.href."},
	}
	if decoded, err := url.QueryUnescape(page); err == nil {
		all = append(all, mistake{decoded, "The URL was decoded once too often before it was signed. Sign what location.href shows, percent signs and all."})
	}
	if origin, err := url.Parse(page); err == nil {
		all = append(all, mistake{origin.Scheme + "://" + origin.Host + "/", "Only the host was signed. In a single-page app sign the address of the page, on iOS that of the first page opened."})
	}
	return all
}

func withoutQuery(page string) string {
	before, _, _ := strings.Cut(page, "?")
	return before
}

func swapScheme(page string) string {
	if rest, found := strings.CutPrefix(page, "https://"); found {
		return "http://" + rest
	}
	return "https://" + strings.TrimPrefix(page, "http://")
}
