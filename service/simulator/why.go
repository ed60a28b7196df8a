package simulator

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// explain tries the mistakes that people make until one gives exactly the
// signature that was sent. It never guesses: without a match it says so.
func (sc scene) explain(q verifyRequest) string {
	if _, err := hex.DecodeString(q.Signature); err != nil || len(q.Signature) != 40 {
		return fmt.Sprintf("a signature is the 40 hex digits of a SHA-1; this one has %d characters", len(q.Signature))
	}
	for _, try := range []func(verifyRequest, string) string{sc.wrongCase, sc.wrongTicket, sc.wrongURL, sc.wrongString} {
		for _, raw := range q.URLs {
			if why := try(q, raw); why != "" {
				return why
			}
		}
	}
	if len(sc.live) == 0 {
		return "the account has no live " + sc.kind + " ticket: none was fetched yet, or all have ended"
	}
	return "no ticket that the simulator remembers gives this signature for the client's url: " +
		"compare nonceStr, timestamp and url of " + sc.call() + " with what was signed, byte for byte"
}

func (sc scene) wrongCase(q verifyRequest, raw string) string {
	page, _, _ := strings.Cut(raw, "#")
	if lower := strings.ToLower(q.Signature); lower != q.Signature {
		q.Signature = lower
		if sc.signed(q, page) {
			return "the signature must be in lower-case hex digits"
		}
	}
	return ""
}

// wrongTicket tries every other value: dead tickets, tickets of another type or
// account, tokens.
func (sc scene) wrongTicket(q verifyRequest, raw string) string {
	page, _, _ := strings.Cut(raw, "#")
	for i := range sc.others {
		v := &sc.others[i]
		if signature(v.text, q.NonceStr, string(q.Timestamp), page) != q.Signature {
			continue
		}
		switch {
		case v.kind == sc.kind && v.appID != sc.owner:
			return fmt.Sprintf("signed with a %s ticket of another account, %s", v.kind, v.appID)
		case v.kind == kindToken:
			return fmt.Sprintf("signed with an access_token in place of a %s ticket", sc.kind)
		case v.kind != sc.kind:
			return fmt.Sprintf("signed with the %s ticket; %s needs the %s ticket", v.kind, sc.call(), sc.kind)
		default:
			return fmt.Sprintf("signed with a %s ticket that died %s ago (%s)",
				v.kind, sc.now.Sub(v.until).Round(time.Second), orDefault(v.killed, "its life was over"))
		}
	}
	return ""
}

// wrongURL tries what a page or a server makes of the URL before signing it.
func (sc scene) wrongURL(q verifyRequest, raw string) string {
	page, _, _ := strings.Cut(raw, "#")
	if sc.signed(q, page) {
		return fmt.Sprintf("signed for %s, which is on none of the account's JS safe domains", page)
	}
	for _, variant := range urlVariants(raw) {
		if sc.signed(q, variant.url) {
			return fmt.Sprintf("signed %s: %s", variant.what, variant.url)
		}
	}
	return ""
}

// wrongString tries other spellings of the string that is signed.
func (sc scene) wrongString(q verifyRequest, raw string) string {
	page, _, _ := strings.Cut(raw, "#")
	nonce, ts := q.NonceStr, string(q.Timestamp)
	for i := range sc.live {
		head := "jsapi_ticket=" + sc.live[i].text
		for _, try := range []struct{ rest, why string }{
			{"&nonceStr=" + nonce + "&timestamp=" + ts, `"nonceStr=": the key in the signed string is "noncestr", in lower case`},
			{"&timestamp=" + ts + "&noncestr=" + nonce, "in another order than jsapi_ticket, noncestr, timestamp, url"},
			{"&noncestr=" + nonce + "&timestamp=" + inSeconds(ts), "a timestamp in seconds, but wx.config was given milliseconds"},
			{"&noncestr=" + nonce + "&timestamp=" + ts + "000", "a timestamp in milliseconds, but wx.config was given seconds"},
		} {
			if sha1Hex(head+try.rest+"&url="+page) == q.Signature {
				return "signed with " + try.why
			}
		}
	}
	return ""
}

// inSeconds cuts the last three digits of a timestamp in milliseconds.
func inSeconds(ts string) string {
	if len(ts) == 13 {
		return ts[:10]
	}
	return ts
}

type urlVariant struct{ url, what string }

// urlVariants are the URLs that are wrongly signed in place of raw.
func urlVariants(raw string) []urlVariant {
	page, _, cut := strings.Cut(raw, "#")
	bare, _, _ := strings.Cut(page, "?")
	variants := []urlVariant{
		{strings.ReplaceAll(page, "&", "&amp;"), "the url with HTML's &amp; in it"},
		{url.QueryEscape(page), "the percent-encoded url"},
		{page + "/", "the url with a slash too many"},
		{strings.TrimSuffix(page, "/"), "the url without its last slash"},
		{bare, "the url without its query"},
		{strings.Replace(page, "https://", "http://", 1), "http in place of https"},
		{strings.Replace(page, "http://", "https://", 1), "https in place of http"},
	}
	if cut {
		variants = append(variants, urlVariant{raw, "the url with its #fragment"})
	}
	if decoded, err := url.QueryUnescape(page); err == nil {
		variants = append(variants, urlVariant{decoded, "the percent-decoded url"})
	}
	if decoded, err := url.PathUnescape(page); err == nil {
		variants = append(variants, urlVariant{decoded, "the percent-decoded url"})
	}
	u, err := url.Parse(page)
	if err != nil {
		return variants
	}
	origin := u.Scheme + "://" + u.Host
	variants = append(variants,
		urlVariant{u.String(), "the url after a parser wrote it anew"},
		urlVariant{origin + "/", "the site's root"},
		urlVariant{origin, "the site's origin"},
		urlVariant{strings.Replace(page, u.Host, u.Hostname(), 1), "the url without its port"},
		urlVariant{withoutShareParameters(page), "the url without what WeChat appends on sharing"},
	)
	return variants
}

// withoutShareParameters drops the parameters that WeChat appends to a shared
// link, leaving the rest of the query untouched.
func withoutShareParameters(page string) string {
	bare, query, found := strings.Cut(page, "?")
	if !found {
		return page
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if !oneOf(name, "from", "isappinstalled", "scene", "clicktime", "enterid", "wxshare_count", "nsukey") {
			kept = append(kept, pair)
		}
	}
	if len(kept) == 0 {
		return bare
	}
	return bare + "?" + strings.Join(kept, "&")
}
