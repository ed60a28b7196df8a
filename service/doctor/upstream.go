package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
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
	reached := d.checkHost(ctx, &d.weChat, "wechat.base_url", c.BaseURL)
	if c.FallbackURL != "" {
		reached = d.checkHost(ctx, &d.weChat, "wechat.fallback_url", c.FallbackURL) || reached
	}
	if !reached {
		d.weChat.silent = silentTries
	}
}

// checkWeCom does the same for WeCom, where an account is one of its agents.
func (d *Doctor) checkWeCom(ctx context.Context) {
	if !d.Offline && !d.checkHost(ctx, &d.weCom, "wechat.wecom_base_url", d.Config.WeChat.WeComBaseURL) {
		d.weCom.silent = silentTries
	}
}

// checkHost reports whether anybody answers there. What answers may be a gateway
// that lets only the calls of a wxsign through, so another status than WeChat's
// does not keep the accounts from being asked about.
func (d *Doctor) checkHost(ctx context.Context, from *issuer, key, base string) (reached bool) {
	sent := time.Now()
	answer, err := d.fetch(ctx, base+"/cgi-bin/getcallbackip") // both have it
	took := time.Since(sent)
	switch {
	case err != nil && d.Config.Simulator.Enabled:
		d.warn(wechatCheck, fmt.Sprintf("%s %s: %v", key, base, err), "this is the built-in simulator: it answers while `wxsign serve` runs with this configuration")
		return false
	case err != nil:
		d.fail(wechatCheck, fmt.Sprintf("%s %s: %v", key, base, err), mendHost(key, base))
		return false
	case answer.status != http.StatusOK:
		d.fail(wechatCheck, fmt.Sprintf("%s %s answers HTTP status %d, which %s does not", key, base, answer.status, from.name), mendHost(key, base))
		return true
	}
	d.ok(wechatCheck, "%s %s answers in %s", key, base, took.Round(time.Millisecond))
	if theirs, err := http.ParseTime(answer.date); err == nil {
		// The header has whole seconds, so the middle of that second is meant.
		ahead := sent.Add(took / 2).Sub(theirs.Add(time.Second / 2))
		d.judgeClock("this machine's clock", from.name+"'s", ahead, took/2+time.Second/2)
	}
	return true
}

// mendHost tells a gateway on this machine from a host of the internet.
func mendHost(key, base string) string {
	if at, err := url.Parse(base); err == nil {
		if ip := net.ParseIP(at.Hostname()); ip.IsLoopback() || at.Hostname() == "localhost" {
			return "that is an address of this machine: start the gateway or simulator that should listen there, or correct " + key
		}
	}
	return "let this machine reach that host on port 443, by name, without a proxy that opens TLS: wxsign uses no HTTPS_PROXY"
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
