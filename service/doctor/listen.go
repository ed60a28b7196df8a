package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// checkListeners finds out of each address whether a wxsign answers there, and
// else whether one could.
func (d *Doctor) checkListeners(ctx context.Context) {
	c := d.Config
	for _, l := range []struct{ section, address, cert string }{
		{"server", c.Server.Listen, c.Server.TLSCert},
		{"control", c.Control.Listen, c.Control.TLSCert},
		{"admin", c.Admin.Listen, c.Admin.TLSCert},
		{"ops", c.Ops.Listen, ""},
	} {
		if l.address != "" {
			d.checkListener(ctx, l.section, l.address, l.cert != "")
		}
	}
}

const listenCheck = "listen"

func (d *Doctor) checkListener(ctx context.Context, section, address string, secure bool) {
	key := section + ".listen " + address
	open, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err == nil {
		open.Close()
		d.note(listenCheck, "%s is free: no wxsign serves there now", key)
		return
	}
	if errors.Is(err, os.ErrPermission) {
		d.fail(listenCheck, fmt.Sprintf("%s: %v", key, err), "take a port above 1023, or give the service CAP_NET_BIND_SERVICE (deploy/systemd shows how)")
		return
	}
	if secure {
		// The certificate is for another name than this address: an answer in
		// TLS proves enough.
		d.note(listenCheck, "%s is in use, with TLS", key)
		return
	}
	switch section {
	case "server", "ops":
		d.askReady(ctx, key, address)
	default:
		d.note(listenCheck, "%s is in use, by the wxsign that serves, if one does", key)
	}
}

// askReady asks whoever is on the address how it is.
func (d *Doctor) askReady(ctx context.Context, key, address string) {
	answer, err := d.fetch(ctx, "http://"+reachable(address)+"/readyz")
	var ready struct {
		Status   string   `json:"status"`
		Codes    []string `json:"codes"`
		Accounts *int     `json:"accounts"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(answer.body), &ready)
	}
	if err != nil || ready.Accounts == nil {
		d.fail(listenCheck, key+" is taken, and not by a wxsign", "stop that program, or take another address")
		return
	}
	text := fmt.Sprintf("%s: a wxsign answers, %s %s", key, ready.Status, strings.Join(ready.Codes, " "))
	const mend = "the codes stand in docs/operations.md under Health; the log and /readyz on ops.listen name the accounts"
	switch {
	case answer.status != http.StatusOK:
		d.fail(listenCheck, text, mend)
	case ready.Status != "ok":
		d.warn(listenCheck, text, mend)
	default:
		d.ok(listenCheck, "%s", strings.TrimSpace(text))
	}
}

// reachable is an address to connect to: a wildcard is heard on loopback, too.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// checkPublicURL asks the address that browsers use.
func (d *Doctor) checkPublicURL(ctx context.Context) {
	const check = "public_url"
	public := d.Config.Server.PublicURL
	switch {
	case public == "":
		if host, _, err := net.SplitHostPort(d.Config.Server.Listen); err == nil && host != "localhost" && !isLoopback(host) {
			d.warn(check, "server.public_url is not set", "set it to how browsers reach this server: the panel behind a proxy and the demo page's QR code need it")
		}
		return
	case d.Offline:
		d.note(check, "not asked: --offline")
		return
	}
	answer, err := d.fetch(ctx, public+"/healthz")
	switch {
	case err != nil:
		d.warn(check, fmt.Sprintf("%s does not answer this machine: %v", public, err), "check name, proxy and certificate. Some networks do not lead their own machines to their public address: then ask from outside")
	case answer.status != http.StatusOK || !strings.Contains(answer.body, `"status":"ok"`):
		d.warn(check, fmt.Sprintf("%s/healthz answers HTTP status %d, and not as wxsign", public, answer.status), "let the proxy pass /healthz and /jssdk/ on to server.listen; deploy/nginx shows how")
	default:
		d.ok(check, "%s leads to a wxsign that runs", public)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
