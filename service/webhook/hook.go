package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/service/outbound"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/secret"
)

// Doer carries a request, as *http.Client does. It must not follow redirects.
type Doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// HookOptions of NewHook. Zero fields mean: Prefix "webhook", Timeout 10s,
// UserAgent "wxsign".
type HookOptions struct {
	URL    string
	Secret secret.Secret
	Events []string // types that it is told of; none = all of them
	Client Doer
	// Prefix stands before the channel's name, which follows from the URL: what
	// still waits for a receiver keeps finding it when the configuration is
	// sorted anew, and never goes to another one.
	Prefix    string
	Timeout   time.Duration
	UserAgent string
}

// Hook is one receiver: a channel of the outbox.
type Hook struct {
	url       string
	host      string
	name      string
	secret    secret.Secret
	events    []string
	client    Doer
	timeout   time.Duration
	userAgent string
}

// NewHook checks the options.
func NewHook(o HookOptions) (*Hook, error) {
	parsed, err := url.Parse(o.URL)
	if err != nil || parsed.Host == "" {
		return nil, errors.New("webhook: its url is not one") // not quoted: it may hold a key
	}
	if o.Secret.IsZero() || o.Client == nil {
		return nil, fmt.Errorf("webhook at %s: Secret and Client must be set", parsed.Host)
	}
	h := &Hook{
		url: o.URL, host: parsed.Host, secret: o.Secret, events: slices.Clone(o.Events), client: o.Client,
		timeout: o.Timeout, userAgent: o.UserAgent,
	}
	if h.timeout <= 0 {
		h.timeout = 10 * time.Second
	}
	if h.userAgent == "" {
		h.userAgent = "wxsign"
	}
	prefix := o.Prefix
	if prefix == "" {
		prefix = "webhook"
	}
	sum := sha256.Sum256([]byte(o.URL))
	h.name = prefix + ":" + hex.EncodeToString(sum[:6])
	return h, nil
}

// Name implements outbox.Channel.
func (h *Hook) Name() string { return h.name }

// Host is where it leads, for people. The whole URL may hold a key.
func (h *Hook) Host() string { return h.host }

// Wants reports whether it is told of events of this type.
func (h *Hook) Wants(eventType string) bool {
	return len(h.events) == 0 || slices.Contains(h.events, eventType)
}

// Deliver implements outbox.Channel: it posts the body, signed with the present
// time.
func (h *Hook) Deliver(ctx context.Context, m outbox.Message) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, strings.NewReader(string(m.Body)))
	if err != nil {
		return fmt.Errorf("%w: its url is not one", outbox.ErrRefused)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", h.userAgent)
	r.Header.Set(SignatureHeader, Sign(h.secret.Reveal(), time.Now(), m.Body))
	r.Header.Set(EventHeader, m.Type)
	r.Header.Set(DeliveryHeader, m.EventID)
	answer, err := h.client.Do(r)
	if err != nil {
		return h.unreached(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	return h.judge(answer)
}

// unreached says why there was no answer, without the URL.
func (h *Hook) unreached(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s did not answer within %v: let it answer first and work afterwards", h.host, h.timeout)
	}
	return fmt.Errorf("%s was not reached: %w", h.host, outbound.Cause(err))
}

// judge says what an answer means.
func (h *Hook) judge(answer *http.Response) error {
	status := answer.StatusCode
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("%w: %s answered %d, a redirect, which is not followed: write the address that it leads to as the webhook's url",
			outbox.ErrRefused, h.host, status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Errorf("%w: %s answered %d: compare the webhook's secret on both sides, and both clocks", outbox.ErrRefused, h.host, status)
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusMethodNotAllowed:
		return fmt.Errorf("%w: %s answered %d: check the path of the webhook's url; it must take POST", outbox.ErrRefused, h.host, status)
	case status >= 400 && status < 500 && !slices.Contains(passing, status):
		return fmt.Errorf("%w: %s answered %d: its own log says why", outbox.ErrRefused, h.host, status)
	}
	err := fmt.Errorf("%s answered %d", h.host, status)
	if seconds, parseErr := strconv.Atoi(answer.Header.Get("Retry-After")); parseErr == nil && seconds > 0 {
		return &outbox.LaterError{After: time.Duration(min(seconds, longestPause)) * time.Second, Err: err}
	}
	return err
}

// longestPause is what is believed of a Retry-After, in seconds.
const longestPause = 24 * 3600

// passing are answers of 4xx that time helps.
var passing = []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}
