package relay

import (
	"net/http"
	"slices"
	"strings"
)

// requestHeaders go to WeChat, and no others: what a proxy in front adds, cookies
// and Authorization are nobody's business there.
var requestHeaders = []string{ // never changed
	"Accept", "Accept-Language", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Md5",
	"Content-Type", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Range", "User-Agent",
}

// signedPrefix begins the headers of signed API calls. Source: the page "API
// signature" of the documents (Wechatmp-Appid, -TimeStamp, -Signature, -Serial).
const signedPrefix = "Wechatmp-"

// forwardHeaders makes the header of the request to WeChat.
func forwardHeaders(from http.Header) http.Header {
	to := make(http.Header, 8)
	for name, values := range from {
		if slices.Contains(requestHeaders, name) || strings.HasPrefix(name, signedPrefix) {
			to[name] = values
		}
	}
	if _, named := to["User-Agent"]; !named {
		to["User-Agent"] = []string{"wxsign"}
	}
	// A packed answer could not be looked into for a dead token. WeChat's are
	// short, or media that are packed already.
	to["Accept-Encoding"] = []string{"identity"}
	return to
}

// answerHeaders that stay behind: those of one connection, those that would
// speak for this server's host, and those that hold a URL, which may hold a
// token.
var answerHeaders = map[string]bool{ // never changed
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Connection": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,

	"Alt-Svc": true, "Clear-Site-Data": true, "Content-Security-Policy": true, "Nel": true, "Report-To": true,
	"Reporting-Endpoints": true, "Server": true, "Set-Cookie": true, "Set-Cookie2": true, "Strict-Transport-Security": true,
	"X-Request-Id": true,

	"Content-Location": true, "Link": true, "Location": true, "Refresh": true,
}

// returnHeaders copies the header of WeChat's answer. No page of another site
// may read it, so what would allow that stays behind as well.
func returnHeaders(to, from http.Header) {
	connection := from.Values("Connection")
	for name, values := range from {
		if answerHeaders[name] || strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "X-Wxsign-") || named(connection, name) {
			continue
		}
		to[name] = values
	}
	if to.Get("Cache-Control") == "" {
		to.Set("Cache-Control", "no-store")
	}
}

// named reports whether a Connection header makes a header one of the
// connection alone.
func named(connection []string, name string) bool {
	for _, list := range connection {
		for option := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(option), name) {
				return true
			}
		}
	}
	return false
}
