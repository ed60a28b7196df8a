package doctor

import (
	"bufio"
	"bytes"
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
	conn, err := dial(ctx, host, u.Scheme == "https")
	if err != nil {
		d.warn(outputCheck, fmt.Sprintf("%s: %s: %v", name, host, err), "let this machine reach it; until then what happens is kept and sent later")
		return
	}
	conn.Close()
	d.ok(outputCheck, "%s: %s can be reached", name, host)
}

// dial connects within checkTimeout, which also bounds what is said then.
func dial(ctx context.Context, host string, secure bool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	dialer := &net.Dialer{Timeout: checkTimeout}
	var conn net.Conn
	var err error
	if secure {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", host)
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
	conn, err := dial(ctx, host, smtp.TLS == "tls")
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

// checkRedis signs in and says PING.
func (d *Doctor) checkRedis(ctx context.Context) {
	redis := d.Config.Publish.Redis
	conn, err := dial(ctx, redis.Address, false)
	answer := ""
	if err == nil {
		defer conn.Close()
		lines := bufio.NewReader(conn)
		if password := redis.Password.Reveal(); password != "" {
			words := []string{"AUTH", redis.Username, password}
			if redis.Username == "" {
				words = []string{"AUTH", password}
			}
			answer, err = say(conn, lines, words...)
		}
		if err == nil && !strings.HasPrefix(answer, "-") {
			answer, err = say(conn, lines, "PING")
		}
	}
	const mend = "check publish.redis: address, username and password. Renewals go on; programs that read Redis get old values"
	switch {
	case err != nil:
		d.fail(outputCheck, fmt.Sprintf("publish.redis %s: %v", redis.Address, err), mend)
	case answer != "+PONG":
		d.fail(outputCheck, fmt.Sprintf("publish.redis %s refuses us: %s", redis.Address, strings.TrimPrefix(answer, "-")), mend)
	default:
		d.ok(outputCheck, "publish.redis: %s answers", redis.Address)
	}
}

// say sends one command in Redis's own form and reads one line.
func say(conn net.Conn, lines *bufio.Reader, words ...string) (string, error) {
	var command bytes.Buffer
	fmt.Fprintf(&command, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := conn.Write(command.Bytes()); err != nil {
		return "", err
	}
	line, err := lines.ReadString('\n')
	return strings.TrimSpace(line), err
}
