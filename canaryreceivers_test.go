package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// Receivers that blurt out what they were given, as real ones do: an old Redis
// repeats the AUTH that it does not know, a web server shows the URL of what
// failed, a mail server quotes the line that it refuses.

// blurtingHTTP refuses everything and repeats it, in the way of a WeCom robot
// where it is asked as one.
func blurtingHTTP(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasPrefix(r.URL.Path, "/cgi-bin/webhook/") {
			_, _ = fmt.Fprintf(w, `{"errcode":40058,"errmsg":"invalid Request Parameter, url %s"}`, r.URL)
			return
		}
		w.Header().Set("Retry-After", r.URL.String())
		w.Header().Set("Location", "http://127.0.0.1:1"+r.URL.String())
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprintf(w, "cannot handle %s %v %s", r.URL, r.Header, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// blurtingServer answers connections by talk and returns its address.
func blurtingServer(t testing.TB, talk func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				talk(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// blurtingRedis knows no command, and says so as Redis does.
func blurtingRedis(conn net.Conn) {
	in := bufio.NewReader(conn)
	line := func() string {
		text, _ := in.ReadString('\n')
		return strings.TrimSpace(text)
	}
	for {
		n, err := strconv.Atoi(strings.TrimPrefix(line(), "*"))
		if err != nil {
			return
		}
		words := make([]string, 0, n)
		for range n {
			line() // the length: no word of ours has a line break
			words = append(words, "`"+line()+"`")
		}
		_, _ = fmt.Fprintf(conn, "-ERR unknown command %s, with args beginning with: %s\r\n", words[0], strings.Join(words[1:], ", "))
	}
}

// blurtingMail refuses who signs in with the password in its answer.
func blurtingMail(password string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = fmt.Fprint(conn, "220 mail.example.com\r\n")
		for in := bufio.NewScanner(conn); in.Scan(); {
			switch command, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); command {
			case "EHLO":
				_, _ = fmt.Fprint(conn, "250-mail.example.com\r\n250 AUTH PLAIN LOGIN\r\n")
			case "AUTH":
				_, _ = fmt.Fprintf(conn, "535 5.7.8 wrong password %s in %s\r\n", password, in.Text())
			case "QUIT":
				_, _ = fmt.Fprint(conn, "221 bye\r\n")
				return
			default:
				_, _ = fmt.Fprintf(conn, "502 5.5.1 what is %q?\r\n", in.Text())
			}
		}
	}
}
