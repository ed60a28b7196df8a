package main_test

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

// Libraries have loggers of their own, which write to stderr what they like. A
// process whose database, Redis and callers misbehave says nothing but lines of
// its log, which machines can read.
func TestNothingButLogLines(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t, simulator.Account{})
	proxy, dsn := modeltest.NewProxyFor(t, modeltest.MariaDB(t))
	s := newPlace(t, oneAccount, append(production(dsn),
		"WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+newKey(t), "WXSIGN_LOG_LEVEL=debug",
		"WXSIGN_PUBLISH_REDIS_ADDRESS=127.0.0.1:1", "WXSIGN_REFRESH_SCAN=@every 1s")...).spawn(t)
	s.waitLog("wxsign is ready")
	s.sign(page, sim.URL)

	for n := range 3 { // in the middle of statements, and between them
		proxy.Cut()
		s.waitTimes("the database does not answer", n+1)
		proxy.Restore()
		s.waitTimes("the database answers again", n+1)
	}
	s.waitLog("mysql driver") // its noise was made, and is tame
	cut := proxy.CutNextReply(func(query []byte) bool { return strings.Contains(string(query), "FROM credential") })
	select {
	case <-cut:
	case <-time.After(soon):
		t.Error("no reply was cut")
	}
	s.callBadly()
	s.sign(page, sim.URL)
	s.terminate()

	if out := s.stdout.String(); out != "" {
		t.Errorf("on stdout: %q", out)
	}
	lines := strings.Split(strings.TrimSuffix(s.log.String(), "\n"), "\n")
	for _, line := range lines {
		if !logLine.MatchString(line) {
			t.Errorf("no line of the log: %q", line)
		}
	}
	if len(lines) < 20 {
		t.Errorf("only %d lines: this proves little", len(lines))
	}
}

// waitTimes waits until the log has told something so often.
func (p *process) waitTimes(text string, n int) {
	p.t.Helper()
	p.wait(text, func() bool { return strings.Count(p.log.String(), text) >= n })
}

// callBadly does to the HTTP side what scanners do.
func (p *process) callBadly() {
	p.t.Helper()
	address := strings.TrimPrefix(p.listen, "http://")
	for _, sent := range []string{"GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01 no TLS here", "POST /jssdk/config HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{", ""} {
		connection, err := (&net.Dialer{}).DialContext(p.t.Context(), "tcp", address)
		if err != nil {
			p.t.Fatal(err)
		}
		_, _ = connection.Write([]byte(sent)) // it may be refused at once
		connection.Close()
	}
	handshake, err := (&tls.Dialer{}).DialContext(p.t.Context(), "tcp", address)
	if err == nil {
		handshake.Close()
		p.t.Error("TLS was spoken")
	}
	p.get(p.listen, "/no/such/route?access_token=x")
}
