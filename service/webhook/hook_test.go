package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/outbound"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/webhook"
)

// noClient is for receivers that nothing is sent to.
type noClient struct{}

func (noClient) Do(*http.Request) (*http.Response, error) { return nil, errors.New("no client") }

func newSecret() secret.Secret { return secret.New(key) }

func noTable() *snapshot.Table { return snapshot.NewTable() }

// receiver is a hook whose messages come to handle.
func receiver(t *testing.T, timeout time.Duration, handle http.HandlerFunc) *webhook.Hook {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	url := server.URL + "/hook?key=canary"
	client, err := outbound.New(outbound.Options{Targets: []string{url}})
	must(t, err)
	t.Cleanup(client.CloseIdleConnections)
	hook, err := webhook.NewHook(webhook.HookOptions{
		URL: url, Secret: secret.New(key), Client: client, Timeout: timeout, UserAgent: "wxsign/1",
	})
	must(t, err)
	return hook
}

func message() outbox.Message {
	return outbox.Message{EventID: "a", Type: webhook.CredentialRenewed, Body: []byte(body)}
}

func TestMessageIsPostedAndSigned(t *testing.T) {
	t.Parallel()
	hook := receiver(t, 0, func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || string(got) != body || r.Method != http.MethodPost || r.URL.RequestURI() != "/hook?key=canary" {
			t.Errorf("%s %s: %q, %v", r.Method, r.URL, got, err)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "User-Agent": "wxsign/1", webhook.EventHeader: "credential.renewed", webhook.DeliveryHeader: "a",
		} {
			if r.Header.Get(name) != want {
				t.Errorf("%s: %q, want %q", name, r.Header.Get(name), want)
			}
		}
		if err := webhook.Verify(key, r.Header.Get(webhook.SignatureHeader), got, time.Now(), time.Minute); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	must(t, hook.Deliver(t.Context(), message()))
}

func TestAnswersAndWhatTheyMean(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status     int
		retryAfter string
		refused    bool
		later      time.Duration
		mend       string
	}{
		"redirect":           {status: 302, refused: true, mend: "write the address that it leads to"},
		"secret":             {status: 401, refused: true, mend: "compare the webhook's secret"},
		"forbidden":          {status: 403, refused: true, mend: "compare the webhook's secret"},
		"path":               {status: 404, refused: true, mend: "check the path"},
		"body":               {status: 422, refused: true, mend: "its own log says why"},
		"time-out":           {status: 408, mend: "answered 408"},
		"too many":           {status: 429, retryAfter: "120", later: 2 * time.Minute, mend: "answered 429"},
		"too many, at a day": {status: 429, retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT", mend: "answered 429"},
		"down":               {status: 503, retryAfter: "99999999999", later: 24 * time.Hour, mend: "answered 503"},
		"nonsense":           {status: 500, retryAfter: "-3", mend: "answered 500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := receiver(t, 0, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
			})
			err := hook.Deliver(t.Context(), message())
			if err == nil || errors.Is(err, outbox.ErrRefused) != tt.refused {
				t.Fatalf("%v, want refused: %v", err, tt.refused)
			}
			if !strings.Contains(err.Error(), tt.mend) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v", err)
			}
			after := time.Duration(0)
			if later, ok := errors.AsType[*outbox.LaterError](err); ok {
				after = later.After
			}
			if after != tt.later {
				t.Errorf("again after %v, want %v", after, tt.later)
			}
		})
	}
}

func TestReceiverThatHangsOrIsGone(t *testing.T) {
	t.Parallel()
	hook := receiver(t, 50*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the client go
		<-r.Context().Done()
	})
	err := hook.Deliver(t.Context(), message())
	if err == nil || !strings.Contains(err.Error(), "did not answer within 50ms") || errors.Is(err, outbox.ErrRefused) {
		t.Errorf("hanging: %v", err)
	}
	client, err := outbound.New(outbound.Options{})
	must(t, err)
	gone, err := webhook.NewHook(webhook.HookOptions{URL: "http://127.0.0.1:1/?key=canary", Secret: newSecret(), Client: client})
	must(t, err)
	err = gone.Deliver(t.Context(), message())
	if !errors.Is(err, outbound.ErrAddress) || strings.Contains(err.Error(), "canary") {
		t.Errorf("an address that is not allowed: %v", err)
	}
}

// A channel's name follows from the URL alone and does not tell it.
func TestNames(t *testing.T) {
	t.Parallel()
	const url = "https://a.example.com/?key=canary"
	one, same, other := newHook(t, url), newHook(t, url, webhook.AlertRaised), newHook(t, "https://b.example.com/")
	if one.Name() != same.Name() || one.Name() == other.Name() {
		t.Errorf("%s, %s, %s", one.Name(), same.Name(), other.Name())
	}
	if !strings.HasPrefix(one.Name(), "webhook:") || strings.Contains(one.Name(), "canary") {
		t.Errorf("name %s", one.Name())
	}
	if one.Host() != "a.example.com" {
		t.Errorf("host %s", one.Host())
	}
}

func TestNewHookChecksItsOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]webhook.HookOptions{
		"no url":    {Secret: newSecret(), Client: noClient{}},
		"no secret": {URL: "https://a.example.com/canary", Client: noClient{}},
		"no client": {URL: "https://a.example.com/canary", Secret: newSecret()},
	} {
		if _, err := webhook.NewHook(o); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := webhook.NewCollector(webhook.CollectorOptions{}); err == nil {
		t.Error("a collector of nothing")
	}
}
