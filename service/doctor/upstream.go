package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const wechatCheck = "wechat"

// checkWeChat reaches WeChat without any credential, and reads its clock.
func (d *Doctor) checkWeChat(ctx context.Context) {
	if d.Offline {
		d.note(wechatCheck, "not asked: --offline")
		return
	}
	c := d.Config.WeChat
	d.checkHost(ctx, "wechat.base_url", c.BaseURL)
	if c.FallbackURL != "" {
		d.checkHost(ctx, "wechat.fallback_url", c.FallbackURL)
	}
}

func (d *Doctor) checkHost(ctx context.Context, key, base string) {
	const mend = "let this machine reach that host on port 443, by name, without a proxy that opens TLS: wxsign uses no HTTPS_PROXY"
	sent := time.Now()
	answer, err := d.fetch(ctx, base+"/cgi-bin/getcallbackip")
	took := time.Since(sent)
	switch {
	case err != nil && d.Config.Simulator.Enabled:
		d.warn(wechatCheck, fmt.Sprintf("%s %s: %v", key, base, err), "this is the built-in simulator: it answers while `wxsign serve` runs with this configuration")
		return
	case err != nil:
		d.fail(wechatCheck, fmt.Sprintf("%s %s: %v", key, base, err), mend)
		return
	case answer.status != http.StatusOK:
		d.fail(wechatCheck, fmt.Sprintf("%s %s answers HTTP status %d, which WeChat does not", key, base, answer.status), mend)
		return
	}
	d.ok(wechatCheck, "%s %s answers in %s", key, base, took.Round(time.Millisecond))
	if theirs, err := http.ParseTime(answer.date); err == nil {
		// The header has whole seconds, so the middle of that second is meant.
		ahead := sent.Add(took / 2).Sub(theirs.Add(time.Second / 2))
		d.judgeClock("this machine's clock", "WeChat's", ahead, took/2+time.Second/2)
	}
}

// answered is what an address says to somebody without credentials.
type answered struct {
	status int
	date   string
	body   string
}

// fetch asks once: no proxy, no redirect, no cookie. Its errors do not quote
// the address.
func (d *Doctor) fetch(ctx context.Context, address string) (answered, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.RootCAs}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return answered{}, errors.New("is not an address")
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return answered{}, withoutURL(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return answered{status: response.StatusCode, date: response.Header.Get("Date"), body: string(body)}, err
}

func withoutURL(err error) error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err
}
