package deploy_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// changed is one of our files with words replaced; all of them must be there.
func changed(t *testing.T, file string, changes [][2]string) string {
	t.Helper()
	text := read(t, file)
	for _, change := range changes {
		replaced := strings.ReplaceAll(text, change[0], change[1])
		if replaced == text {
			t.Fatalf("%s has no %q", file, change[0])
		}
		text = replaced
	}
	return text
}

// serve starts a proxy that listens on addresses and writes what it says to a file,
// and stops it after the test.
func serve(t *testing.T, command *exec.Cmd, log string, addresses ...string) (said string, err error) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var failed error
	ended := make(chan struct{})
	go func() {
		failed = command.Wait()
		close(ended)
	}()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			return read(t, log), fmt.Errorf("ended: %w", failed)
		default:
		}
		if !slices.ContainsFunc(addresses, func(address string) bool { return !answers(t, address) }) {
			t.Cleanup(func() {
				_ = command.Process.Signal(os.Interrupt)
				<-ended
			})
			return "", nil
		}
	}
	_ = command.Process.Kill()
	<-ended
	return read(t, log), fmt.Errorf("does not listen on %v", addresses)
}

func answers(t *testing.T, address string) bool {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// awaitLog reads a log until all of these patterns are in it: a line comes after the
// answer.
func awaitLog(t *testing.T, log string, patterns ...string) string {
	t.Helper()
	said := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		said = read(t, log)
		if !slices.ContainsFunc(patterns, func(p string) bool { return !regexp.MustCompile(p).MatchString(said) }) {
			return said
		}
	}
	t.Fatalf("not all of %q are in %s", patterns, said)
	return ""
}

// freePort is an address that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	open, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	return open.Addr().String()
}

// askPlain asks without TLS and follows no redirect.
func askPlain(t *testing.T, address, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
