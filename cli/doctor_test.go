package cli_test

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/cli"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/metrics"
)

// beside runs another command with the configuration of a process, and more
// variables.
func (p *process) beside(env []string, args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	var out, said strings.Builder
	code = cli.Run(p.t.Context(), cli.Env{Args: append(p.args[:2:2], args...), Environ: append(env, p.env...), Stdout: &out, Stderr: &said})
	if strings.Contains(out.String()+said.String(), demoSecret) {
		p.t.Errorf("%v printed the AppSecret: %s%s", args, &out, &said)
	}
	return code, out.String(), said.String()
}

func TestDoctorBesideAServer(t *testing.T) {
	t.Parallel()
	p := begin(t, demoConfig, nil)
	p.address("wxsign is ready", "listen")
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.log.String(), "kind=jsapi version=1"); {
		time.Sleep(20 * time.Millisecond)
		if time.Now().After(deadline) {
			t.Fatalf("no ticket:\n%s", p.log.String())
		}
	}

	// The simulator of this server has another address than the file says, so
	// WeChat is left out.
	code, stdout, stderr := p.beside(nil, "doctor", "--offline")
	for _, want := range []string{
		"ok    config", "ok    master_key", "ok    schema", "ok    sealed",
		"ok    replicas     serving on this database: 1, wxsign ", "ok    alerts", "ok    budget", "ok    deliveries", "ok    history", "note  wechat       not asked: --offline", "0 do not work",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, stderr %s", code, stderr)
	}
	code, stdout, stderr = p.beside(nil, "doctor", "--offline", "--account", "wxnobody", "--json")
	var answer struct {
		Verdict, Version string
		Findings         []struct{ Check, Verdict, Text, Mend string }
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	if code != 1 || answer.Verdict != "fail" || answer.Version == "" || len(answer.Findings) < 5 || !strings.Contains(stderr, "1 of them") {
		t.Errorf("exit code %d, stderr %s, %+v", code, stderr, answer)
	}
}

// A list of accounts may have blanks, as people write lists.
func TestDoctorOnSomeAccounts(t *testing.T) {
	t.Parallel()
	p := begin(t, demoConfig, nil)
	p.address("wxsign is ready", "listen")
	_, stdout, _ := p.beside(nil, "doctor", "--offline", "--account", " wxnobody, wxnoone ,")
	for _, want := range []string{"there is no account wxnobody\n", "there is no account wxnoone\n", " findings: 2 do not work"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
	if n := strings.Count(stdout, "there is no account"); n != 2 {
		t.Errorf("%d accounts are missing:\n%s", n, stdout)
	}
}

func TestDoctorOnAWrongFile(t *testing.T) {
	t.Parallel()
	path, env := folder(t, "[server]\nlisen = \"x\"\n")
	var out, said strings.Builder
	code := cli.Run(t.Context(), cli.Env{Args: []string{"--config", path, "doctor"}, Environ: env, Stdout: &out, Stderr: &said})
	if code != 1 || !strings.Contains(out.String(), "FAIL  config") || !strings.Contains(out.String(), "did you mean listen") {
		t.Errorf("exit code %d: %s%s", code, &out, &said)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	p := begin(t, demoConfig, nil)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(p.address("wxsign is ready", "listen"), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		listen string
		code   int
	}{
		"as configured": {"127.0.0.1:" + port, 0},
		"wildcard":      {"0.0.0.0:" + port, 0},
		"no address":    {":" + port, 0},
		"nobody there":  {"127.0.0.1:1", 1},
	} {
		env := []string{"WXSIGN_SERVER_LISTEN=" + tt.listen, "WXSIGN_ADMIN_EXPOSE=true", "WXSIGN_CONTROL_EXPOSE=true"}
		code, stdout, stderr := p.beside(env, "health")
		if code != tt.code || (code == 0) != (stdout == "ok\n") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %s", name, code, stdout, stderr)
		}
	}
}

// The keeper and the metrics do not know each other; they agree on this.
func TestNoAnswerIsTheSame(t *testing.T) {
	t.Parallel()
	if keeper.NoAnswer != metrics.NoAnswer {
		t.Errorf("the keeper says %d, the metrics take %d", keeper.NoAnswer, metrics.NoAnswer)
	}
}
