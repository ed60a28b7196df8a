package cli_test

import (
	"bytes"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/cli"
)

// resetPassword runs `wxsign admin reset-password NAME` as an operator would.
func resetPassword(t *testing.T, path string, env []string, name string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), cli.Env{
		Args:    []string{"--config", path, "admin", "reset-password", name},
		Environ: env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
	})
	return code, out.String(), errs.String()
}

// The password stands alone on stdout, also on a database that nobody has used.
func TestAdminResetPassword(t *testing.T) {
	t.Parallel()
	path, env := folder(t, "")
	alone := regexp.MustCompile(`^[A-Z2-7]{26}\n$`)
	seen := ""
	for range 2 {
		code, stdout, stderr := resetPassword(t, path, env, "admin")
		if code != 0 || !alone.MatchString(stdout) || stdout == seen || strings.Contains(stderr, strings.TrimSpace(stdout)) {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		seen = stdout
	}
	code, stdout, stderr := resetPassword(t, path, env, "not a name")
	if code != 2 || stdout != "" || !strings.Contains(stderr, `"not a name" cannot be a name: a name has`) {
		t.Errorf("a bad name: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for _, args := range [][]string{{"admin"}, {"admin", "reset-password"}, {"admin", "delete", "x"}, {"admin", "reset-password", "a", "b"}} {
		if code, stdout, _ := run(t.Context(), args...); code != 2 || stdout != "" {
			t.Errorf("%q: exit code %d, stdout %q; want 2", args, code, stdout)
		}
	}
}

// signsIn tells whether a name and a password open the panel at base.
func signsIn(t *testing.T, base, name, password string) bool {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Jar: jar, Transport: transport, CheckRedirect: stay}
	body := strings.NewReader(url.Values{"name": {name}, "password": {password}}.Encode())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"sign-in", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusSeeOther
}

// The first start tells the one-time password once; the command gives another
// one while the program runs, and takes effect at once.
func TestFirstAdministrator(t *testing.T) {
	t.Parallel()
	const config = "[server]\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"\"\n"
	for name, c := range map[string]struct {
		env []string
	}{
		"on the pages' listener": {nil},
		"on its own listener":    {[]string{"WXSIGN_ADMIN_LISTEN=127.0.0.1:0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t, config, c.env)
			panel := p.address("wxsign is ready", "panel")
			told := regexp.MustCompile(`one_time_password=([A-Z2-7]{26}) `).FindAllStringSubmatch(p.log.String(), -1)
			if len(told) != 1 {
				t.Fatalf("%d passwords were told:\n%s", len(told), p.log.String())
			}
			if signsIn(t, panel, "admin", "wrong") || !signsIn(t, panel, "admin", told[0][1]) {
				t.Error("it is not the password that was told")
			}
			code, stdout, stderr := resetPassword(t, p.args[1], p.env, "admin")
			if code != 0 {
				t.Fatalf("reset: %s", stderr)
			}
			if signsIn(t, panel, "admin", told[0][1]) || !signsIn(t, panel, "admin", strings.TrimSpace(stdout)) {
				t.Error("the new password did not replace the old one")
			}
			if own := p.address("wxsign is ready", "listen") + "/admin/"; (own == panel) != (len(c.env) == 0) {
				t.Errorf("the panel is at %s, the pages at %s", panel, own)
			} else if status, _ := get(t, own+"sign-in", nil); (status == http.StatusOK) != (own == panel) {
				t.Errorf("%ssign-in: status %d", own, status)
			}
		})
	}
}

// Where a machine reads the log, no password goes there; the log says how to
// get one.
func TestFirstAdministratorWithMachineLog(t *testing.T) {
	t.Parallel()
	p := begin(t, "[server]\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"\"\n[log]\nformat = \"json\"\n", nil)
	p.waitFor("wxsign is ready")
	if !strings.Contains(p.log.String(), "run `wxsign admin reset-password admin`") || strings.Contains(p.log.String(), "one_time_password") {
		t.Errorf("the log is:\n%s", p.log.String())
	}
}

// waitFor waits until the log has the words.
func (p *process) waitFor(words string) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(p.log.String(), words) {
			return
		}
	}
	p.t.Fatalf("no line about %q:\n%s", words, p.log.String())
}
