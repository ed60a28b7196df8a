package pageurl_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

func TestHostileHosts(t *testing.T) {
	t.Parallel()
	checkHostile(t, hostileHosts)
}

// hostileHosts look like an allowed host, or hide another one.
var hostileHosts = []page{
	// one host for another
	{"https://evil.example/", "h5.example.com", errNoMatch},
	{"https://evil-h5.example.com/", "h5.example.com", errNoMatch},
	{"https://evilh5.example.com/", "h5.example.com", errNoMatch},
	{"https://evil.h5.example.com/", "h5.example.com", errNoMatch},
	{"https://h5.example.com.evil.example/", "h5.example.com", errNoMatch},
	{"https://h5.example.comevil.example/", "h5.example.com", errNoMatch},
	{"https://h5.example.community/", "h5.example.com", errNoMatch},
	{"https://h5.example.co/", "h5.example.com", errNoMatch},
	{"https://h5.example.com.cn/", "h5.example.com", errNoMatch},
	{"https://h5-example.com/", "h5.example.com", errNoMatch},
	{"https://h5xexample.com/", "h5.example.com", errNoMatch},
	{"https://5.example.com/", "h5.example.com", errNoMatch},
	{"https://example.com/", "h5.example.com", errNoMatch},
	{"https://com/", "h5.example.com", errNoMatch},
	{"https://h5.examp1e.com/", "h5.example.com", errNoMatch},
	{"https://h5.exarnple.com/", "h5.example.com", errNoMatch},
	{"https://h5.example.com./", "h5.example.com", errNoMatch},
	{"https://h5.example.com.:443/", "h5.example.com", errNoMatch},
	{"https://localhost/", "h5.example.com", errNoMatch},
	{"https://evil.example/h5.example.com", "h5.example.com", errNoMatch},
	{"https://evil.example/?h5.example.com", "h5.example.com", errNoMatch},
	{"https://evil.example?@h5.example.com/", "h5.example.com", errNoMatch},
	{"https://evil.example?.h5.example.com/", "*.example.com", errNoMatch},
	{"https://evil.example#@h5.example.com/", "h5.example.com", errNoMatch},
	{"https://evil.example/@h5.example.com/", "h5.example.com", errNoMatch},
	{"https://evil.example/https://h5.example.com/", "h5.example.com", errNoMatch},

	// the star
	{"https://example.com/", "*.example.com", errNoMatch},
	{"https://example.com./", "*.example.com", errNoMatch},
	{"https://a.example.com./", "*.example.com", errNoMatch},
	{"https://evilexample.com/", "*.example.com", errNoMatch},
	{"https://evil-example.com/", "*.example.com", errNoMatch},
	{"https://a.example.com.evil.example/", "*.example.com", errNoMatch},
	{"https://example.com.evil.example/", "*.example.com", errNoMatch},
	{"https://a.example.co/", "*.example.com", errNoMatch},
	{"https://com/", "*.example.com", errNoMatch},
	{"https://.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://a..example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://..example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://*.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://*/", "*.example.com", pageurl.ErrInvalid},
	{"https://a,b.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://evil.example,.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://evil.example;.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://evil.example%2f.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://evil.example%00.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://evil.example%23.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://evil.example%3f.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://evil.example%5c.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://evil.example/.example.com/", "*.example.com", errNoMatch},
	{"https://a.example.com:8443/", "*.example.com", errNoMatch},
	{"http://a.example.com/", "*.example.com", errNoMatch},
	{"https://" + strings.Repeat("a", 64) + ".example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://" + strings.Repeat("a.", 122) + "example.com/", "*.example.com", pageurl.ErrInvalid},

	// user names
	{"https://h5.example.com@evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://evil.example@h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:443@evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:pass@evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://@h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://:@h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://a@b@h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com%40evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com;@evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com&@evil.example/", "h5.example.com", pageurl.ErrInvalid},

	// ports and schemes of another origin
	{"http://h5.example.com/", "h5.example.com", errNoMatch},
	{"http://h5.example.com:443/", "h5.example.com", errNoMatch},
	{"HTTP://h5.example.com/", "h5.example.com", errNoMatch},
	{"https://h5.example.com:80/", "h5.example.com", errNoMatch},
	{"https://h5.example.com:8443/", "h5.example.com", errNoMatch},
	{"https://h5.example.com:444/", "h5.example.com", errNoMatch},
	{"https://h5.example.com:4430/", "h5.example.com", errNoMatch},
	{"https://h5.example.com/", "h5.example.com:8443", errNoMatch},
	{"https://h5.example.com:443/", "h5.example.com:8443", errNoMatch},
	{"https://h5.example.com:844/", "h5.example.com:8443", errNoMatch},
	{"https://h5.example.com:/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:0/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:0443/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:65536/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:65979/", "h5.example.com", pageurl.ErrInvalid}, // 65536 + 443
	{"https://h5.example.com:4294967739/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:+443/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:-1/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:0x1bb/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:443x/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:https/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:443:443/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:443.evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com:４４３/", "h5.example.com", pageurl.ErrInvalid},
	{"https://:443/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com::/", "h5.example.com", pageurl.ErrInvalid},

	// escapes and signs that host names do not have
	{"https://h5%2eexample%2ecom/", "h5.example.com", pageurl.ErrInvalid},
	{"https://%685.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com%2f@evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com%2f.evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com%00/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com%20/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com%E3%80%82evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com,evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com|evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com&evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com!/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com'/", "h5.example.com", pageurl.ErrInvalid},
	{"https://(h5.example.com)/", "h5.example.com", pageurl.ErrInvalid},
	{"https://{h5.example.com}/", "h5.example.com", pageurl.ErrInvalid},
	{"https://$h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com^/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com`/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com=/", "h5.example.com", pageurl.ErrInvalid},
	{"https://./", "h5.example.com", pageurl.ErrInvalid},
	{"https://../", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5..example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com../", "h5.example.com", pageurl.ErrInvalid},
}
