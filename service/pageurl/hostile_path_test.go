package pageurl_test

import (
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

func TestHostilePaths(t *testing.T) {
	t.Parallel()
	checkHostile(t, hostilePaths)
}

// hostilePaths try to leave the path that an entry is limited to.
var hostilePaths = []page{
	{"https://h5.example.com", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com?/shop", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/?/shop", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/#/shop", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/sho", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shops", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop-evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop.html", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop;v=1", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop%2fx", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop%2Fx", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop%5cx", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop%3fx", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop%00", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/SHOP", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/%73hop", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com//shop", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/./shop", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/x/shop", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/x/../shop", "h5.example.com/shop", errNoMatch},

	{"https://h5.example.com/shop/..", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/../", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/../evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/x/../../evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/./../evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/.", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop//../evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/..?a=/shop/", "h5.example.com/shop", errNoMatch},
	{"https://a.example.com/shop/../evil", "*.example.com/shop", errNoMatch},
	{"https://h5.example.com:8443/shop/../evil", "h5.example.com:8443/shop", errNoMatch},

	{"https://h5.example.com/shop/%2e%2e/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%2E%2E/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/.%2e/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%2e./evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%2e/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/..%2fevil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%2e%2e%2fevil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/x%2f..%2f..%2fevil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/..%5cevil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/x%5c..%5c..%5cevil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%252e%252e/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%252e%252e%252fevil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%25252e%25252e/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/..%252fevil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%2525252525252e%2525252525252e/", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/..%00/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/a%0d%0ab", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%zz", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%u002e%u002e/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%2", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%25zz/%252e%252e/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%25%32%65%25%32%65/evil", "h5.example.com/shop", errNoMatch},

	// path parameters: Tomcat and its kin drop what follows the semicolon
	{"https://h5.example.com/shop/..;/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/..;a=b/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/%2e%2e;/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/..%3b/evil", "h5.example.com/shop", errNoMatch},
	{"https://h5.example.com/shop/.;/evil", "h5.example.com/shop", errNoMatch},
	{`https://h5.example.com/shop\..\evil`, "h5.example.com/shop", pageurl.ErrInvalid},
	{`https://h5.example.com/shop/..\evil`, "h5.example.com/shop", pageurl.ErrInvalid},
	{"https://h5.example.com/商店街", "h5.example.com/商店", errNoMatch},
	{"https://h5.example.com/商/店", "h5.example.com/商店", errNoMatch},
	{"https://h5.example.com/商店/../evil", "h5.example.com/商店", errNoMatch},
	{"https://evil.example/shop", "h5.example.com/shop", errNoMatch},
	{"https://evil.example/h5.example.com/shop", "h5.example.com/shop", errNoMatch},
}
