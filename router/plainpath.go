package router

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// plainPath answers 404 to an address of ours that is written in another way than
// ours are. Routes are found by the decoded path, while a proxy in front may judge
// the path as it was sent: a rule on /admin/ would not see /admin%2F or /%61dmin/.
// What has no route is judged by its own handler, as the relay does.
func plainPath(c *gin.Context) {
	u := c.Request.URL
	asRegistered := u.Path == c.FullPath() && u.RawPath == "" // nearly all of pages
	if !asRegistered && c.FullPath() != "" && !isUsual(u) && !isPlain(u) {
		handler.Fail(c, handler.ErrNotFound)
	}
}

// isUsual is isPlain for nearly all paths of business servers: words between single
// slashes, without a dot or an escape.
func isUsual(u *url.URL) bool {
	before := byte(0)
	for i := range len(u.Path) {
		b := u.Path[i]
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-', b == ':':
		case b == '/' && before != '/':
		default:
			return false
		}
		before = b
	}
	return u.RawPath == ""
}

// isPlain reports whether no two servers could read the path in two ways. Escapes
// are for what cannot be written otherwise, as in the %3A of an account of WeCom.
func isPlain(u *url.URL) bool {
	if strings.ContainsAny(u.Path, `\%;`) || strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return false
	}
	if inside := strings.TrimSuffix(strings.TrimPrefix(u.Path, "/"), "/"); strings.Contains(inside, "/") {
		for segment := range strings.SplitSeq(inside, "/") {
			if segment == "" || segment == "." || segment == ".." {
				return false
			}
		}
	}
	return !escapesNeedlessly(u.RawPath)
}

// escapesNeedlessly finds escapes of letters, digits, dots, slashes and so on. A
// RawPath without any, and the empty one, have none.
func escapesNeedlessly(raw string) bool {
	for {
		_, after, found := strings.Cut(raw, "%")
		if !found {
			return false
		}
		b, err := strconv.ParseUint(after[:min(len(after), 2)], 16, 8)
		if err != nil || isUnreserved(byte(b)) || b == '/' {
			return true
		}
		raw = after
	}
}

// isUnreserved is RFC 3986, 2.3: what is the same with and without an escape.
func isUnreserved(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return strings.IndexByte("-._~", b) >= 0
}
