package publish_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/publish"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// parrot is something in Redis's place that repeats what it does not take. knows
// are the commands that it answers, in Redis's words.
func parrot(t *testing.T, knows map[string]string) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go repeat(conn, knows)
		}
	}()
	return listener.Addr().String()
}

// repeat answers one connection.
func repeat(conn net.Conn, knows map[string]string) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		words, err := readCommand(reader)
		if err != nil {
			return
		}
		answer, known := knows[strings.ToUpper(words[0])]
		if !known {
			answer = "-ERR what is " + strings.Join(words, " ") + "?\r\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// readCommand reads an array of strings.
func readCommand(r *bufio.Reader) (words []string, err error) {
	n, err := readSize(r, '*')
	for range n {
		size, err := readSize(r, '$')
		if err != nil {
			return nil, err
		}
		word := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(r, word); err != nil {
			return nil, err
		}
		words = append(words, string(word[:size]))
	}
	return words, err
}

func readSize(r *bufio.Reader, mark byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != mark {
		return 0, fmt.Errorf("%q is no %c", line, mark)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// Regression: what repeats an AUTH that it does not know, or the command that
// brings a value, brought them into the panel and the log.
func TestNothingSentIsRepeated(t *testing.T) {
	t.Parallel()
	const password, name = "pass word/that+must=not-leak", "a-user-of-redis"
	sha := "$40\r\n" + strings.Repeat("a", 40) + "\r\n"
	now := "*2\r\n$10\r\n" + fmt.Sprint(time.Now().Unix()) + "\r\n$1\r\n0\r\n"
	for what, knows := range map[string]map[string]string{
		"the password": {},
		"a value":      {"AUTH": "+OK\r\n", "SELECT": "+OK\r\n", "SCRIPT": sha, "TIME": now},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			log := &logged{}
			values := table(credential(snapshot.KindAccessToken, 1, time.Hour), credential(snapshot.KindJSAPI, 1, time.Hour))
			p, err := publish.New(publish.Options{
				Table: values, Address: parrot(t, knows), Username: name, Password: secret.New(password),
				TokenKey: tokenTmpl, TicketKey: ticketTmp, Look: 5 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil)),
			})
			must(t, err)
			p.Start()
			w := &world{t: t}
			w.until("a failure", func() bool { return p.Status().Failing > 0 })
			_ = p.Stop(t.Context())
			all := p.Status().Error + log.String()
			if !strings.Contains(all, "what is ") || !strings.Contains(all, "[redacted]") {
				t.Errorf("it says: %s", all)
			}
			for _, hidden := range []string{password, "access_token-value-1", "jsapi-value-1"} {
				if strings.Contains(all, hidden) {
					t.Errorf("%q is in: %s", hidden, all)
				}
			}
		})
	}
}
