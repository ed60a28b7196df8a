package signature

import (
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
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
	Cause    Cause  // the same as a word, for those who have words of their own
}

// Cause is what a wrong signature comes from.
type Cause string

// The causes.
const (
	CauseTimestamp    Cause = "timestamp"     // no whole number of seconds
	CauseFragment     Cause = "fragment"      // the part behind # was signed
	CauseEscapedHTML  Cause = "escaped_html"  // &amp; was signed for &
	CauseOpenEscaped  Cause = "open_escaped"  // & was signed for &amp;
	CauseEntities     Cause = "entities"      // &copy was read as ©
	CauseEncoded      Cause = "encoded"       // the URL was signed percent-encoded
	CauseDecoded      Cause = "decoded"       // the URL was decoded before it was signed
	CauseSlashMissing Cause = "slash_missing" // / at the end
	CauseSlashAdded   Cause = "slash_added"
	CauseShare        Cause = "share" // from=, isappinstalled= were left out
	CauseQuery        Cause = "query" // the query was left out
	CauseScheme       Cause = "scheme"
	CauseHost         Cause = "host"         // only the host was signed
	CauseHostCase     Cause = "host_case"    // capitals in the host
	CauseOtherTicket  Cause = "other_ticket" // a ticket of another kind
	CauseToken        Cause = "token"        // the access_token in place of the ticket
	CauseMilliseconds Cause = "milliseconds"
	CauseNonceName    Cause = "nonce_name" // nonceStr= in the string to sign
	CauseOrder        Cause = "order"      // the fields of the string in another order
	CauseOtherURL     Cause = "other_url"  // right for the URL that was signed, which is not the page's
	CauseUnknown      Cause = "unknown"
)

// Causes lists all of them.
func Causes() []Cause {
	return []Cause{
		CauseTimestamp, CauseFragment, CauseEscapedHTML, CauseOpenEscaped, CauseEntities, CauseEncoded, CauseDecoded, CauseSlashMissing,
		CauseSlashAdded, CauseShare, CauseQuery, CauseScheme, CauseHost, CauseHostCase, CauseOtherTicket, CauseToken, CauseMilliseconds,
		CauseNonceName, CauseOrder, CauseOtherURL, CauseUnknown,
	}
}

// Explain looks for the usual mistake behind a signature: it signs the URL in
// every way that pages get wrong and compares. jsapi is the live jsapi_ticket;
// others are the account's other live credentials by kind.
func Explain(used Used, jsapi secret.Secret, others map[string]secret.Secret) Explanation {
	timestamp, err := strconv.ParseInt(used.Timestamp, 10, 64)
	if err != nil || strconv.FormatInt(timestamp, 10) != used.Timestamp { // "+7" and "007" are hashed as text
		return Explanation{
			Cause:   CauseTimestamp,
			Mistake: "The timestamp is not a whole number of seconds. Hand the answer of /jssdk/config to wx.config as it is.",
		}
	}
	page, _, _ := strings.Cut(used.URL, "#")
	e := Explanation{Expected: Sign(jsapi, used.NonceStr, timestamp, page)}
	got := strings.ToLower(strings.TrimSpace(used.Signature))
	if got == e.Expected {
		return Explanation{Right: true, Expected: e.Expected, Signed: page}
	}
	for _, m := range append(mistakes(used.URL, page), recipes(page, used.NonceStr, timestamp, jsapi, others)...) {
		made := m.signature
		if made == "" {
			made = Sign(jsapi, used.NonceStr, timestamp, m.url)
		}
		if got == made {
			e.Signed, e.Mistake, e.Cause = m.url, m.text, m.cause
			return e
		}
	}
	e.Cause = CauseUnknown
	e.Mistake = "None of the usual mistakes fits. Either the nonceStr or the timestamp is not the one that was signed, or the ticket was another one: a second program refreshing this account, or a page that kept an old answer for hours."
	return e
}

// mistake is a URL that is signed by error, and what leads to it; or a right URL
// that is signed in a wrong way, and the signature that comes of it.
type mistake struct {
	url       string
	cause     Cause
	text      string
	signature string // "" = that of url with the live ticket
}

// mistakes lists the usual ones about the URL, the likelier first where two give
// one URL.
func mistakes(full, page string) []mistake {
	const (
		encoded = "The URL was signed percent-encoded. The server decodes the query value once and signs the result."
		decoded = "The URL was decoded once too often before it was signed. Sign what location.href shows, percent and plus signs and all."
		host    = "Only the host was signed. In a single-page app sign the address of the page, on iOS that of the first page opened."
		slash   = "The URL was signed without its slash at the end; browsers show one behind a bare host."
	)
	var all []mistake
	add := func(url string, cause Cause, text string) {
		all = append(all, mistake{url: url, cause: cause, text: text})
	}
	add(full, CauseFragment, "The part behind # was signed too. Cut it: location.href.split('#')[0].")
	add(html.EscapeString(page), CauseEscapedHTML, "The URL was HTML-escaped (&amp;) when it was signed. Sign location.href, not text out of the page.")
	add(strings.ReplaceAll(page, "&amp;", "&"), CauseOpenEscaped,
		"The page is open at a URL with &amp; in it, but & was signed. Mend the link that leads there, or sign with exact=1.")
	add(html.UnescapeString(page), CauseEntities,
		"Names in the query were read as HTML entities (&copy, &times) before the URL was signed. Sign location.href, not text out of the page.")
	add(url.QueryEscape(page), CauseEncoded, encoded)
	add(encodeURIComponent(page), CauseEncoded, encoded)
	add(strings.TrimSuffix(page, "/"), CauseSlashMissing, slash)
	add(page+"/", CauseSlashAdded, "The URL was signed with a slash at the end that the page does not have.")
	add(withoutShare(page), CauseShare,
		"The URL was signed without what WeChat appends when a page is shared (from=, isappinstalled=). WeChat verifies the whole URL: sign location.href, not a link that you keep.")
	add(withoutQuery(page), CauseQuery, "The URL was signed without its query string. WeChat verifies the whole URL.")
	add(swapScheme(page), CauseScheme,
		"The URL was signed with the other scheme. Do not let the server guess the URL: behind TLS it sees http. Let the page send location.href.")
	for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if text, err := decode(page); err == nil {
			add(text, CauseDecoded, decoded)
		}
	}
	if origin, err := url.Parse(page); err == nil {
		bare := origin.Scheme + "://" + origin.Host
		add(bare+"/", CauseHost, host)
		add(bare, CauseHost, host)
		add(strings.Replace(page, origin.Host, strings.ToLower(origin.Host), 1), CauseHostCase,
			"The host was signed in small letters. Sign what location.href shows; browsers write hosts small.")
	}
	return all
}

// recipes lists the right URL signed in the wrong way.
func recipes(page, nonce string, timestamp int64, jsapi secret.Secret, others map[string]secret.Secret) []mistake {
	all := []mistake{{
		page, CauseMilliseconds,
		"The page used the timestamp in milliseconds, but seconds were signed. Pass the timestamp of the answer on unchanged.",
		Sign(jsapi, nonce, timestamp/1000, page),
	}}
	for kind, value := range others {
		m := mistake{
			page, CauseOtherTicket,
			"It was made with the " + kind + " ticket. wx.config needs the jsapi ticket: do not mix the caches of ticket types.",
			Sign(value, nonce, timestamp, page),
		}
		if kind == snapshot.KindAccessToken {
			m.cause = CauseToken
			m.text = "It was made with the access_token. wx.config needs the jsapi_ticket, which is fetched with that token."
		}
		all = append(all, m)
	}
	ticket, at := "jsapi_ticket="+jsapi.Reveal(), "timestamp="+strconv.FormatInt(timestamp, 10)
	for cause, form := range map[Cause][]string{
		CauseNonceName: {ticket + "&nonceStr=" + nonce + "&" + at + "&url=" + page},
		CauseOrder: {
			"noncestr=" + nonce + "&" + ticket + "&" + at + "&url=" + page, ticket + "&" + at + "&noncestr=" + nonce + "&url=" + page,
			ticket + "&url=" + page + "&noncestr=" + nonce + "&" + at, "url=" + page + "&" + ticket + "&noncestr=" + nonce + "&" + at,
		},
	} {
		text := "The string that was signed has its fields in another order. It is jsapi_ticket, noncestr, timestamp, url."
		if cause == CauseNonceName {
			text = "The string that was signed says nonceStr=. There the name is noncestr, all small; only wx.config writes nonceStr."
		}
		for _, string1 := range form {
			all = append(all, mistake{page, cause, text, digest([]byte(string1))})
		}
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
