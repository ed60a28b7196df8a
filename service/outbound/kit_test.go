package outbound_test

import (
	"context"
	"log" //nolint:depguard // the type of http.Server.ErrorLog
	"log/slog"
	"net"
	"testing"
)

// quiet is a server's log of handshakes that are meant to fail.
func quiet() *log.Logger { return slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) }

// resolverTo answers every question for an A record with the address.
func resolverTo(t *testing.T, address string) *net.Resolver {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		question := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return // closed
			}
			_, _ = conn.WriteTo(reply(question[:n], net.ParseIP(address).To4()), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// reply is RFC 1035: the question again, and for an A question one record.
func reply(question []byte, address net.IP) []byte {
	end := 12
	for end < len(question) && question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the root label, type and class
	answers := byte(0)
	if question[end-3] == 1 { // type A
		answers = 1
	}
	out := append([]byte{}, question[:2]...)
	out = append(out, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0) // an answer, recursion available
	out = append(out, question[12:end]...)
	if answers == 1 {
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4) // the name again, type, class, TTL, length
		out = append(out, address...)
	}
	return out
}
