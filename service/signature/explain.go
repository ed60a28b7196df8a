package signature

import (
	"html"
	"net/url"
	"slices"
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
	Expected string // the signature that would be right, "" where Timestamp is no number
	Signed   string // the URL that was signed, "" where none of the usual mistakes fits
	Mistake  string // in words, with the mend; "" where Right
}

// Explain looks for the usual mistake behind a signature: it signs the URL in
// every way that pages get wrong and compares. jsapi is the live jsapi_ticket;
// others are the account's other tickets by kind.
func Explain(used Used, jsapi secret.Secret, others map[string]secret.Secret) Explanation {
	timestamp, err := strconv.ParseInt(used.Timestamp, 10, 64)
	if err != nil || strconv.FormatInt(timestamp, 10) != used.Timestamp { // "+7" and "007" are hashed as text
		return Explanation{Mistake: "The timestamp is not a whole number of seconds. Hand the answer of /jssdk/config to wx.config as it is."}
	}
	page, _, _ := strings.Cut(used.URL, "#")
	e := Explanation{Expected: Sign(jsapi, used.NonceStr, timestamp, page)}
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

// mistakes lists the usual ones, the likelier first where two give one URL.
func mistakes(full, page string) []mistake {
	const (
		encoded = "The URL was signed percent-encoded. The server decodes the query value once and signs the result."
		decoded = "The URL was decoded once too often before it was signed. Sign what location.href shows, percent and plus signs and all."
		host    = "Only the host was signed. In a single-page app sign the address of the page, on iOS that of the first page opened."
		slash   = "The URL was signed without its slash at the end; browsers show one behind a bare host."
	)
	all := []mistake{
		{full, "The part behind # was signed too. Cut it: location.href.split('#')[0]."},
		{html.EscapeString(page), "The URL was HTML-escaped (&amp;) when it was signed. Sign location.href, not text out of the page."},
		{strings.ReplaceAll(page, "&amp;", "&"), "The page is open at a URL with &amp; in it, but & was signed. Mend the link that leads there, or sign with exact=1."},
		{html.UnescapeString(page), "Names in the query were read as HTML entities (&copy, &times) before the URL was signed. Sign location.href, not text out of the page."},
		{url.QueryEscape(page), encoded},
		{encodeURIComponent(page), encoded},
		{strings.TrimSuffix(page, "/"), slash},
		{page + "/", "The URL was signed with a slash at the end that the page does not have."},
		{withoutShare(page), "The URL was signed without what WeChat appends when a page is shared (from=, isappinstalled=). WeChat verifies the whole URL: sign location.href, not a link that you keep."},
		{withoutQuery(page), "The URL was signed without its query string. WeChat verifies the whole URL."},
		{swapScheme(page), "The URL was signed with the other scheme. Do not let the server guess the URL: behind TLS it sees http. Let the page send location.href."},
	}
	for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if text, err := decode(page); err == nil {
			all = append(all, mistake{text, decoded})
		}
	}
	if origin, err := url.Parse(page); err == nil {
		bare := origin.Scheme + "://" + origin.Host
		all = append(all, mistake{bare + "/", host}, mistake{bare, host})
	}
	return all
}

// encodeURIComponent escapes as the JavaScript function does: a blank is %20,
// and five characters stay that QueryEscape escapes.
func encodeURIComponent(text string) string {
	return strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(url.QueryEscape(text))
}

// withoutShare drops the parameters that WeChat appends to a shared link.
func withoutShare(page string) string {
	before, query, _ := strings.Cut(page, "?")
	kept := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return name == "from" || name == "isappinstalled"
	})
	if len(kept) == 0 {
		return before
	}
	return before + "?" + strings.Join(kept, "&")
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
