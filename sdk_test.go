package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sdkTime is how long an SDK may take to answer a command on a very busy machine.
const sdkTime = time.Minute

// sdks builds the business servers of compat/, once, and answers the command of
// each by name. Their modules are not ours, so they are programs of their own.
var sdks = sync.OnceValues(buildSDKs)

func buildSDKs() (map[string][]string, error) {
	commands := map[string][]string{}
	for _, name := range []string{"co-wechat-api", "wechat-api", "wechat-jssdk"} {
		file, err := filepath.Abs(filepath.Join("compat", "node", name+".js"))
		if err != nil {
			return nil, err
		}
		commands[name] = []string{"node", file}
	}
	bin, err := filepath.Abs(filepath.Join("bin", "compat"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "./...")
	build.Dir = "compat"
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build compat: %w\n%s", err, out)
	}
	for _, name := range []string{"powerwechat", "silenceper", "chanxuehong"} {
		path := filepath.Join(bin, name)
		if runtime.GOOS == "windows" {
			path += ".exe"
		}
		commands[name] = []string{path}
	}
	return commands, nil
}

// sdk is a business server in a process of its own.
type sdk struct {
	t    testing.TB
	name string
	in   io.Writer
	out  *bufio.Scanner
	errs *journal
	kill func()
}

// sdkAnswer is compat/client's Answer.
type sdkAnswer struct {
	SHA256  string      `json:"sha256"`
	Error   string      `json:"error"`
	Errcode int         `json:"errcode"`
	Calls   map[int]int `json:"calls"`
	Odd     []string    `json:"odd"`
}

// startSDK starts a business server whose API host is base and whose AppSecret
// is an API key.
func startSDK(t testing.TB, name string, args ...string) *sdk {
	t.Helper()
	commands, err := sdks()
	if err != nil {
		t.Fatal(err)
	}
	command := slices.Concat(commands[name], args)
	process := exec.Command(command[0], command[1:]...) // it ends with its standard input
	process.Dir = t.TempDir()
	process.Env = append(os.Environ(), "HOME="+process.Dir) // PowerWeChat writes there
	errs := &journal{}
	process.Stderr = errs
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatalf("%s: %v; scripts/deps.sh installs what it needs", name, err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		late := time.AfterFunc(sdkTime, func() { _ = process.Process.Kill() })
		defer late.Stop()
		if err := process.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, errs)
		}
	})
	return &sdk{t: t, name: name, in: in, out: bufio.NewScanner(out), errs: errs, kill: func() { _ = process.Process.Kill() }}
}

// say sends a command without waiting for the answer.
func (s *sdk) say(command ...string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, strings.Join(command, " ")+"\n"); err != nil {
		s.t.Fatalf("%s: %v\n%s", s.name, err, s.errs)
	}
}

// hear reads the answer to one command.
func (s *sdk) hear() sdkAnswer {
	s.t.Helper()
	late := time.AfterFunc(sdkTime, s.kill)
	defer late.Stop()
	var a sdkAnswer
	for s.out.Scan() {
		line := s.out.Bytes()
		if len(line) == 0 || line[0] != '{' { // SDKs print things, too
			continue
		}
		if err := json.Unmarshal(line, &a); err != nil {
			s.t.Fatalf("%s: %v in %s", s.name, err, line)
		}
		return a
	}
	s.t.Fatalf("%s ended: %v\n%s", s.name, s.out.Err(), s.errs)
	return a
}

func (s *sdk) ask(command ...string) sdkAnswer {
	s.t.Helper()
	s.say(command...)
	return s.hear()
}

// await waits until done says so.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(sdkTime); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come within %s", what, sdkTime)
		}
	}
}
