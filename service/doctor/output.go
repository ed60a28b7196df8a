package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// checkOutputs reaches those who are told of renewals and trouble, without
// telling them anything.
func (d *Doctor) checkOutputs(ctx context.Context) {
	if d.Offline {
		return
	}
	c := d.Config
	if c.Publish.Redis.Address != "" {
		d.checkRedis(ctx)
	}
	for i, hook := range c.Webhooks {
		d.checkURL(ctx, fmt.Sprintf("webhook %d", i+1), hook.URL)
	}
	if c.Alert.Webhook.URL != "" {
		d.checkURL(ctx, "alert.webhook", c.Alert.Webhook.URL)
	}
	if robot := c.Alert.WeComRobot.URL; !robot.IsZero() {
		d.checkURL(ctx, "alert.wecom_robot", robot.Reveal())
	}
	if c.Alert.SMTP.Host != "" {
		d.checkSMTP(ctx)
	}
}

const outputCheck = "output"

// checkURL connects to the host of an address, and no more: a request would
// be a message.
func (d *Doctor) checkURL(ctx context.Context, name, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		d.fail(outputCheck, name+" has no valid address", "write it as https://host/path")
		return
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	host := net.JoinHostPort(u.Hostname(), port)
	conn, err := dial(ctx, host, d.secureIf(u.Scheme == "https"))
	if err != nil {
		d.warn(outputCheck, fmt.Sprintf("%s: %s: %v", name, host, err), "let this machine reach it; until then what happens is kept and sent later")
		return
	}
	conn.Close()
	d.ok(outputCheck, "%s: %s can be reached", name, host)
}

// secureIf is TLS, or none.
func (d *Doctor) secureIf(wanted bool) *tls.Config {
	if !wanted {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.RootCAs}
}

// dial connects within checkTimeout, which also bounds what is said then; secure
// nil means without TLS.
func dial(ctx context.Context, host string, secure *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	dialer := &net.Dialer{Timeout: checkTimeout}
	var conn net.Conn
	var err error
	if secure != nil {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: secure}).DialContext(ctx, "tcp", host)
	} else {
		conn, err = dialer.DialContext(ctx, "tcp", host)
	}
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(checkTimeout))
}

// checkSMTP connects and reads the greeting.
func (d *Doctor) checkSMTP(ctx context.Context) {
	smtp := d.Config.Alert.SMTP
	host := net.JoinHostPort(smtp.Host, strconv.Itoa(smtp.Port))
	greeting := ""
	conn, err := dial(ctx, host, d.secureIf(smtp.TLS == "tls"))
	if err == nil {
		defer conn.Close()
		greeting, err = bufio.NewReader(conn).ReadString('\n')
	}
	switch {
	case err != nil:
		d.warn(outputCheck, fmt.Sprintf("alert.smtp %s: %v", host, err), "check host, port and tls: 587 goes with starttls, 465 with tls")
	case !strings.HasPrefix(greeting, "220"):
		d.warn(outputCheck, fmt.Sprintf("alert.smtp %s does not greet as a mail server", host), "check host and port")
	default:
		d.ok(outputCheck, "alert.smtp: %s greets", host)
	}
}
