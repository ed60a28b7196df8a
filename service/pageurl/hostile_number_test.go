package pageurl_test

import (
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

func TestHostileNumbers(t *testing.T) {
	t.Parallel()
	checkHostile(t, hostileNumbers)
}

// hostileNumbers are IP addresses that are not listed, or not spelled as
// browsers spell them.
var hostileNumbers = []page{
	{"https://127.0.0.1/", "h5.example.com", errNoMatch},
	{"https://127.0.0.1/", "localhost", errNoMatch},
	{"https://127.0.0.2/", "127.0.0.1", errNoMatch},
	{"https://27.0.0.1/", "127.0.0.1", errNoMatch},
	{"https://1127.0.0.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.0.1.evil.example/", "127.0.0.1", errNoMatch},
	{"https://127.0.0.1./", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.0.1.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://2130706433/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://4294967296/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://0/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://0177.0.0.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://0177.0.0.01/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.0.01/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.000.000.001/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://017700000001/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.0.08/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://0x7f000001/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://0X7F000001/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://0x7f.0.0.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://0x7f.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.0.0x1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.0.0x/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://256.0.0.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.0.256/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127.0.0.-1/", "127.0.0.1", errNoMatch},
	{"https://127.0.0.1%20/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://１２７.0.0.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://127。0。0。1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://①②⑦.0.0.1/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://h5.example.com.1/", "*.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com.0x1/", "*.example.com", pageurl.ErrInvalid},
	{"http://127.0.0.1/", "127.0.0.1", errNoMatch},
	{"https://127.0.0.1:8080/", "127.0.0.1", errNoMatch},

	{"https://[::1]/", "h5.example.com", errNoMatch},
	{"https://[::1]/", "127.0.0.1", errNoMatch},
	{"https://[::2]/", "[::1]", errNoMatch},
	{"https://[::ffff:127.0.0.1]/", "127.0.0.1", errNoMatch},
	{"https://[::ffff:7f00:1]/", "127.0.0.1", errNoMatch},
	{"https://[0:0:0:0:0:ffff:7f00:1]/", "127.0.0.1", errNoMatch},
	{"https://[::127.0.0.1]/", "127.0.0.1", errNoMatch},
	{"https://[64:ff9b::7f00:1]/", "127.0.0.1", errNoMatch},
	{"https://[::1]:8443/", "[::1]", errNoMatch},
	{"http://[::1]/", "[::1]", errNoMatch},
	{"https://[127.0.0.1]/", "127.0.0.1", pageurl.ErrInvalid},
	{"https://[::1%25lo]/", "[::1]", pageurl.ErrInvalid},
	{"https://[::1%lo]/", "[::1]", pageurl.ErrInvalid},
	{"https://[fe80::1%25eth0]/", "[fe80::1]", pageurl.ErrInvalid},
	{"https://[::1/", "[::1]", pageurl.ErrInvalid},
	{"https://::1]/", "[::1]", pageurl.ErrInvalid},
	{"https://::1/", "[::1]", pageurl.ErrInvalid},
	{"https://[[::1]]/", "[::1]", pageurl.ErrInvalid},
	{"https://[]/", "[::1]", pageurl.ErrInvalid},
	{"https://[::1]evil.example/", "[::1]", pageurl.ErrInvalid},
	{"https://[::1].evil.example/", "[::1]", pageurl.ErrInvalid},
	{"https://[::1]443/", "[::1]", pageurl.ErrInvalid},
	{"https://[::1]:/", "[::1]", pageurl.ErrInvalid},
	{"https://a[::1]/", "[::1]", pageurl.ErrInvalid},
	{"https://[h5.example.com]/", "h5.example.com", pageurl.ErrInvalid},
	{"https://[::g]/", "[::1]", pageurl.ErrInvalid},
	{"https://[:::1]/", "[::1]", pageurl.ErrInvalid},
	{"https://[1:2:3:4:5:6:7:8:9]/", "[::1]", pageurl.ErrInvalid},
	{"https://[v1.fe80]/", "[::1]", pageurl.ErrInvalid},
	{"https://[::1]@evil.example/", "[::1]", pageurl.ErrInvalid},
}
