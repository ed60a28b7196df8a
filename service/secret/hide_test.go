package secret_test

import (
	"testing"

	"github.com/wxsign/wxsign/service/secret"
)

func TestHide(t *testing.T) {
	t.Parallel()
	key, password := secret.New("key/1+2 3"), secret.New("pass")
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":      {"all is well", "all is well"},
		"as it is":     {"wrong key/1+2 3!", "wrong [redacted]!"},
		"in a query":   {"no /hook?key=key%2F1%2B2+3&x", "no /hook?key=[redacted]&x"},
		"in a path":    {"no /hook/key%2F1+2%203/x", "no /hook/[redacted]/x"},
		"two, twice":   {"pass key/1+2 3 pass", "[redacted] [redacted] [redacted]"},
		"part of more": {"password", "[redacted]word"},
	} {
		if got := secret.Hide(tt.text, key, password, secret.Secret{}, secret.New("s")); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
