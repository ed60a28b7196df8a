package handler_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/handler"
)

func TestDropParam(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"wait=30s&after=17":         "after=17",
		"after=17&wait=30s":         "after=17",
		"wait":                      "",
		"a=%2&w%61it=1&await=1&b":   "a=%2&await=1&b",
		"wait=1&x=wait&wait=2&Wait": "x=wait&Wait",
		"":                          "",
	} {
		if got := handler.DropParam(raw, "wait"); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// A request that is read again must not wait again, and is the same otherwise.
func FuzzDropParam(f *testing.F) {
	for _, raw := range []string{"wait=30s&after=17", "w%61it=1&a=b", "a=%zz&wait=1;wait=2", "&&=&wait"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		before, _ := url.ParseQuery(raw)
		after, _ := url.ParseQuery(handler.DropParam(raw, "wait"))
		if after.Has("wait") {
			t.Fatalf("%q waits again", raw)
		}
		delete(before, "wait")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("%q:\n%s", raw, diff)
		}
	})
}

// Who does not read its answer keeps nobody else from getting one.
func TestAnswerBeginsBeforeItIsTaken(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	tcp, _ := accepted.(*net.TCPConn)
	begun, ended := make(chan struct{}), make(chan struct{})
	conn := handler.NewReplayed(tcp, sync.OnceFunc(func() { close(begun) }))
	go func() {
		defer close(ended)
		_, _ = conn.Write(make([]byte, 64<<20)) // more than all buffers between them
	}()
	select {
	case <-begun:
	case <-time.After(time.Minute):
		t.Error("the answer is not taken for begun")
	}
	_ = conn.Close()
	<-ended
}

// The stop of the process does not wait for one who never comes.
func TestLotClosesInTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	handler.CloseLot(ctx)
}
