package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The command says how each receiver took its message, and its exit code counts
// the failures.
func TestAlertTest(t *testing.T) {
	t.Parallel()
	answer := `{"errcode":0,"errmsg":"ok"}`
	robot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
	t.Cleanup(robot.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	const secretPart = "0f2e-robots-key"
	config := "[alert.wecom_robot]\nurl = \"" + robot.URL + "/send?key=" + secretPart + "\"\n"
	both := config + "[alert.webhook]\nurl = \"" + gone.URL + "/" + secretPart + "\"\nsecret = \"0123456789abcdef\"\n"
	for _, tt := range []struct {
		name, config string
		args         []string
		exit         int
		out          []string
	}{
		{"all is well", config, nil, 0, []string{"WeCom robot: sent"}},
		{"one fails", both, nil, 1, []string{"WeCom robot: sent", "NOT SENT", "answered 404"}},
		{"only one is tried", both, []string{"--channel", "robot"}, 0, []string{"WeCom robot: sent"}},
		{"there is none", "", nil, 1, []string{"there is no such receiver"}},
		{"none of this name", config, []string{"--channel", "pigeon"}, 1, []string{"there is no such receiver"}},
		{"a word too many", config, []string{"now"}, 2, []string{"unexpected"}},
	} {
		path, env := folder(t, tt.config)
		exit, stdout, stderr := command(t, path, env, append([]string{"alert", "test"}, tt.args...)...)
		out := stdout + stderr
		if exit != tt.exit {
			t.Errorf("%s: exit %d, want %d\n%s", tt.name, exit, tt.exit, out)
		}
		for _, want := range tt.out {
			if !strings.Contains(out, want) {
				t.Errorf("%s: does not say %q:\n%s", tt.name, want, out)
			}
		}
		if strings.Contains(out, secretPart) {
			t.Errorf("%s: tells a secret:\n%s", tt.name, out)
		}
	}
}
