package relay

import (
	"net/http"
	"slices"
	"strings"
)

// family says how a request is relayed.
type family int

const (
	familyAPI    family = iota // an access_token of ours is in the query
	familySecret               // /sns/ with the AppSecret of an account
	familyUser                 // /sns/ with a user's credential
)

// sns are the calls of web login that are relayed. Source: the pages "Web page
// authorization" (oauth2/access_token, oauth2/refresh_token, userinfo, auth) and
// "code2Session" of the documents.
var sns = map[string]family{ // never changed
	"/sns/oauth2/access_token": familySecret,
	snsRefresh:                 familySecret,
	"/sns/jscode2session":      familySecret,
	"/sns/userinfo":            familyUser,
	"/sns/auth":                familyUser,
}

const snsRefresh = "/sns/oauth2/refresh_token"

// own are the first segments of this server's routes: nothing below them is
// ever sent to WeChat.
var own = []string{
	"admin", "debug", "demo", "healthz", "jssdk", "metrics", "openapi.yaml", "readyz", "v1", "_sim",
} // never changed

// dropIn are the paths that this server answers itself, with scopes of their
// own. No spelling of them may reach WeChat through the relay, because its
// answer would be a credential.
var dropIn = []string{
	"/cgi-bin/token", "/cgi-bin/stable_token", "/cgi-bin/ticket/getticket",
	"/cgi-bin/gettoken", "/cgi-bin/get_jsapi_ticket", "/cgi-bin/ticket/get",
} // never changed

// What begins so resets quotas of an account: all of them ten times a month, or
// those of one path fifty times. Source: the pages clearQuota,
// clearQuotaByAppSecret and clearApiQuota of the documents.
var quotaPaths = []string{"/cgi-bin/clear_quota", "/cgi-bin/openapi/quota/clear"} // never changed

// classify tells whether and how a request is relayed: ErrNotRelayed, or a
// refusal, or neither.
func classify(r *http.Request) (family, error) {
	path := r.URL.Path
	if isOwn(path) || r.URL.Host != "" || r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		return 0, ErrNotRelayed
	}
	if strings.HasPrefix(fold(path), "/sns/") {
		return classifySNS(r)
	}
	switch n := countParam(r.URL.RawQuery, paramToken); {
	case n == 0 && strings.HasPrefix(path, "/cgi-bin/"):
		return 0, refuse(41001, "write the API key there")
	case n == 0:
		return 0, ErrNotRelayed
	case n > 1:
		return 0, refuse(40035, "access_token is there more than once")
	}
	if !isPlain(path, r.URL.EscapedPath()) {
		return 0, refuse(40066, "the path has empty or dot segments, or characters that could be read in two ways")
	}
	if slices.Contains(dropIn, fold(path)) {
		return 0, refuse(40066, "this server answers that call itself, in the spelling and with the method of WeChat's documents")
	}
	return familyAPI, nil
}

// classifySNS takes no path but those of the documents, to the letter. A
// refresh_token is a secret of its own: WeChat asks for it without the AppSecret.
func classifySNS(r *http.Request) (family, error) {
	f, known := sns[r.URL.Path]
	if !known || r.URL.RawPath != "" {
		return 0, refuse(40066, "this path of /sns/ is not relayed")
	}
	if r.URL.Path == snsRefresh && countParam(r.URL.RawQuery, paramSecret) == 0 {
		return familyUser, nil
	}
	return f, nil
}

// isOwn reports whether a path is at or below a route of this server.
func isOwn(path string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return !strings.HasPrefix(path, "/") || first == "" || slices.Contains(own, strings.ToLower(first)) ||
		strings.HasPrefix(first, "MP_verify_") || strings.HasPrefix(first, "WW_verify_")
}

// isPlain refuses paths that WeChat's servers might read as another path than
// the one that was checked here.
func isPlain(path, escaped string) bool {
	lower := strings.ToLower(escaped)
	if strings.Contains(lower, "%2f") || strings.ContainsAny(path, "\\%;?#") {
		return false
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\uFFFD' }) {
		return false
	}
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")[1:]
	return !slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." })
}

// fold takes off the differences that a lenient server may overlook.
func fold(path string) string { return strings.ToLower(strings.TrimSuffix(path, "/")) }

// resetsQuota reports whether the scope relay is not enough for a path, because
// the call spends what people may need on a bad day.
func resetsQuota(path string) bool {
	return slices.ContainsFunc(quotaPaths, func(prefix string) bool { return strings.HasPrefix(fold(path), prefix) })
}
