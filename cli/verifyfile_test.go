package cli_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/cli"
)

// A file that the command enters is answered by the serving process at once, and
// no other one is.
func TestVerifyFileBesideServe(t *testing.T) {
	t.Parallel()
	p := begin(t, `
[server]
listen = "127.0.0.1:0"
[ops]
listen = ""
[wechat]
base_url = "http://127.0.0.1:1"
[[account]]
app_id = "wxfile0123456789ab"
secret = "a-secret-that-nobody-asks-for"
domains = ["h5.example.com"]
`, nil)
	pages := p.address("wxsign is ready", "listen")
	command := func(args ...string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = cli.Run(t.Context(), cli.Env{
			Args:    append([]string{p.args[0], p.args[1], "verify-file", "--app-id", "wxfile0123456789ab"}, args...),
			Environ: p.env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		})
		return code, out.String(), errs.String()
	}
	const name = "MP_verify_a1B2c3D4e5F6g7H8.txt"
	for _, step := range []struct {
		args   []string
		stdout string
		status int
		body   string
	}{
		{[]string{"list"}, "", http.StatusNotFound, ""},
		{[]string{"add", name}, "", http.StatusOK, "a1B2c3D4e5F6g7H8"},
		{[]string{"list"}, name + " a1B2c3D4e5F6g7H8\n", http.StatusOK, "a1B2c3D4e5F6g7H8"},
		{[]string{"add", name, "another"}, "", http.StatusOK, "another"},
		{[]string{"remove", name}, "", http.StatusNotFound, ""},
	} {
		code, stdout, stderr := command(step.args...)
		if code != 0 || stdout != step.stdout {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", step.args, code, stdout, stderr)
		}
		status, body := get(t, pages+"/"+name, nil)
		if status != step.status || step.body != "" && body != "HTTP/1.1 "+step.body {
			t.Errorf("after %q: %d %q", step.args, status, body)
		}
	}
	if code, _, stderr := command("add", "index.html"); code != 1 || !strings.Contains(stderr, "MP_verify_<code>.txt") {
		t.Errorf("a wrong name: exit code %d, stderr %q", code, stderr)
	}
	for _, args := range [][]string{{}, {"add"}, {"remove"}, {"list", "x"}, {"change", name}} {
		if code, _, _ := command(args...); code != 2 {
			t.Errorf("%q: exit code %d, want 2", args, code)
		}
	}
}
