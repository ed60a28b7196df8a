package pageurl_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

func TestHostileForms(t *testing.T) {
	t.Parallel()
	checkHostile(t, hostileForms)
}

// hostileForms are no page URLs at all, whatever host they seem to name.
var hostileForms = []page{
	// nothing, and what scripts send by mistake
	{"", "h5.example.com", pageurl.ErrMissing},
	{"#", "h5.example.com", pageurl.ErrMissing},
	{"#https://h5.example.com/", "h5.example.com", pageurl.ErrMissing},
	{"null", "h5.example.com", pageurl.ErrInvalid},
	{"undefined", "h5.example.com", pageurl.ErrInvalid},
	{"[object Object]", "h5.example.com", pageurl.ErrInvalid},
	{"NaN", "h5.example.com", pageurl.ErrInvalid},
	{"about:blank", "h5.example.com", pageurl.ErrInvalid},
	{"about:srcdoc", "h5.example.com", pageurl.ErrInvalid},
	{"/", "h5.example.com", pageurl.ErrInvalid},
	{"/shop?from=singlemessage", "h5.example.com", pageurl.ErrInvalid},
	{"?a=1", "h5.example.com", pageurl.ErrInvalid},
	{"h5.example.com", "h5.example.com", pageurl.ErrInvalid},
	{"h5.example.com/shop", "h5.example.com", pageurl.ErrInvalid},
	{"h5.example.com:443", "h5.example.com", pageurl.ErrInvalid},

	// other schemes
	{"javascript:alert(1)", "h5.example.com", pageurl.ErrInvalid},
	{"javascript://h5.example.com/%0aalert(1)", "h5.example.com", pageurl.ErrInvalid},
	{"JaVaScRiPt://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"javascript:alert(1)//https://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"data:text/html,https://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"data://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"vbscript://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"file:///etc/passwd", "h5.example.com", pageurl.ErrInvalid},
	{"file://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"blob:https://h5.example.com/6f1d", "h5.example.com", pageurl.ErrInvalid},
	{"filesystem:https://h5.example.com/temporary/x", "h5.example.com", pageurl.ErrInvalid},
	{"view-source:https://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"ftp://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"ws://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"wss://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"weixin://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"mailto:a@h5.example.com", "h5.example.com", pageurl.ErrInvalid},
	{"intent://h5.example.com/#Intent;scheme=https;end", "h5.example.com", pageurl.ErrInvalid},
	{"httpss://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"xhttps://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"ttps://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"hxxps://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https+x://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	// Regression: EqualFold took the long s for an s.
	{"http\u017f://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"ｈttps://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},

	// slashes too few, too many, or the wrong way
	{"https:h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https:/h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"HTTP:/h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"http:h5.example.com", "h5.example.com", pageurl.ErrInvalid},
	{"//h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"///h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https:///h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https:////h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://", "h5.example.com", pageurl.ErrInvalid},
	{"https://?h5.example.com", "h5.example.com", pageurl.ErrInvalid},
	{"https://#h5.example.com", "h5.example.com", pageurl.ErrInvalid},
	{`\\h5.example.com\`, "h5.example.com", pageurl.ErrInvalid},
	{`https:\\h5.example.com\`, "h5.example.com", pageurl.ErrInvalid},
	{`https:/\h5.example.com/`, "h5.example.com", pageurl.ErrInvalid},
	{`https://\h5.example.com/`, "h5.example.com", pageurl.ErrInvalid},
	{`https://evil.example\h5.example.com/`, "h5.example.com", pageurl.ErrInvalid},
	{`https://h5.example.com\.evil.example/`, "h5.example.com", pageurl.ErrInvalid},
	{`https://evil.example\.h5.example.com/`, "*.example.com", pageurl.ErrInvalid},
	{`https://h5.example.com\@evil.example/`, "h5.example.com", pageurl.ErrInvalid},
	{`https://evil.example\@h5.example.com/`, "h5.example.com", pageurl.ErrInvalid},
	{`https://h5.example.com/a\b`, "h5.example.com", pageurl.ErrInvalid},

	// blanks, controls and what cannot be seen; browsers strip some of these
	{" https://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/ ", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/a b", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/?q=a b", "h5.example.com", pageurl.ErrInvalid},
	{"\thttps://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"ht\ttps://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https:\t//h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.exa\tmple.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/a\tb", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com\n.evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\n", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\r\nSet-Cookie: a=b", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/?a=1\n&url=https://evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\x00", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com\x00.evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/?\x00", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\x1b[31m", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\x7f", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\u0085", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\u00a0", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/?q=\u2028", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/?q=\u3000", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\u202egnp.exe", "h5.example.com", pageurl.ErrInvalid},
	{"\ufeffhttps://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\u200b", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/?q=\xff", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\xc0\xaf", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\xed\xa0\x80", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/\xe5\x95", "h5.example.com", pageurl.ErrInvalid},
	{`https://h5.example.com/"onload="x`, "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/<script>", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/?q=<b>", "h5.example.com", pageurl.ErrInvalid},
	{"<https://h5.example.com/>", "h5.example.com", pageurl.ErrInvalid},

	// too long
	{"https://h5.example.com/" + strings.Repeat("a", pageurl.MaxLength-22), "h5.example.com", pageurl.ErrTooLong},
	{"https://h5.example.com/?q=" + strings.Repeat("中", 700), "h5.example.com", pageurl.ErrTooLong},
	{"https://h5.example.com/?" + strings.Repeat("a=1&", 4096), "h5.example.com", pageurl.ErrTooLong},
	{strings.Repeat("#", 10) + strings.Repeat("a", 10000), "h5.example.com", pageurl.ErrMissing},
	{strings.Repeat("\x00", pageurl.MaxLength+1), "h5.example.com", pageurl.ErrTooLong},

	// encoded once too often, or taken out of HTML
	{"https%3A%2F%2Fh5.example.com%2F", "h5.example.com", pageurl.ErrDoubleEncoded},
	{"http%3a%2f%2fh5.example.com%2f", "h5.example.com", pageurl.ErrDoubleEncoded},
	{"HTTPS%3A%2F%2FH5.EXAMPLE.COM", "h5.example.com", pageurl.ErrDoubleEncoded},
	{"https%3A//h5.example.com/", "h5.example.com", pageurl.ErrDoubleEncoded},
	{"https%3A", "h5.example.com", pageurl.ErrDoubleEncoded},
	{"https%253A%252F%252Fh5.example.com%252F", "h5.example.com", pageurl.ErrInvalid},
	{"https:%2F%2Fh5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"%68ttps://h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com/?a=1&amp;b=2", "h5.example.com", pageurl.ErrEscapedHTML},
	{"https://h5.example.com/&amp;", "h5.example.com", pageurl.ErrEscapedHTML},
	{"https://h5.example.com/?a=1&amp;amp;b=2#x", "h5.example.com", pageurl.ErrEscapedHTML},
	{"https://evil.example/?a=1&amp;b=2", "h5.example.com", pageurl.ErrEscapedHTML},
	{"https&#58;//h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https:&#x2f;&#x2f;h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
}
