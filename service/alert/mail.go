package alert

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/webhook"
)

// How the way to the mail server is encrypted.
const (
	StartTLS    = "starttls" // asked for in the clear; a server without it gets no mail
	ImplicitTLS = "tls"      // from the first byte on
	NoTLS       = "none"
)

// MailOptions of NewMail. Zero fields mean: TLS = StartTLS, Config = the
// authorities of the system.
type MailOptions struct {
	Host     string
	Port     int
	Username string // "" = without signing in
	Password secret.Secret
	From     string
	To       []string
	TLS      string
	Config   *tls.Config // for authorities of one's own
}

// Mail tells people by mail.
type Mail struct {
	o    MailOptions
	from *netmail.Address
	to   []*netmail.Address
	name string
}

// NewMail checks the options. It connects to nobody.
func NewMail(o MailOptions) (*Mail, error) {
	if o.TLS == "" {
		o.TLS = StartTLS
	}
	if o.Host == "" || o.Port <= 0 || len(o.To) == 0 || !slices.Contains([]string{StartTLS, ImplicitTLS, NoTLS}, o.TLS) {
		return nil, errors.New("alert: mail needs Host, Port, To and a TLS that is one")
	}
	m := &Mail{o: o}
	var err error
	if m.from, err = netmail.ParseAddress(o.From); err != nil {
		return nil, fmt.Errorf("alert: mail from %q: %w", o.From, err)
	}
	for _, to := range o.To {
		address, err := netmail.ParseAddress(to)
		if err != nil {
			return nil, fmt.Errorf("alert: mail to %q: %w", to, err)
		}
		m.to = append(m.to, address)
	}
	sum := sha256.Sum256([]byte(strings.Join(o.To, "\n")))
	m.name = "mail:" + hex.EncodeToString(sum[:6])
	return m, nil
}

// Name implements outbox.Channel.
func (m *Mail) Name() string { return m.name }

// Label implements Receiver.
func (m *Mail) Label() string { return "mail " + strings.Join(m.o.To, ", ") }

// Wants implements Receiver.
func (m *Mail) Wants(eventType string) bool {
	return eventType == webhook.AlertRaised || eventType == webhook.AlertCleared
}

// Deliver implements outbox.Channel. The context bounds the whole conversation
// with the server.
func (m *Mail) Deliver(ctx context.Context, message outbox.Message) error {
	e, err := readEvent(message)
	if err != nil {
		return err
	}
	return m.explain(ctx, m.send(ctx, m.letter(&e)))
}

// send hands the letter to the server, in one conversation for all who get it.
func (m *Mail) send(ctx context.Context, letter *mail.Msg) error {
	sender, err := mail.NewClient(m.o.Host, m.settings(ctx)...)
	if err != nil {
		return err
	}
	server, err := sender.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = sender.CloseWithSMTPClient(server) }()
	err = sender.SendWithSMTPClient(server, letter)
	if letter.IsDelivered() {
		return nil // accepted: how they part does not matter, and a second try would be a second letter
	}
	return err
}

// settings are how the server is spoken to.
func (m *Mail) settings(ctx context.Context) []mail.Option {
	policy := mail.NoTLS
	if m.o.TLS == StartTLS {
		policy = mail.TLSMandatory
	}
	settings := []mail.Option{
		mail.WithPort(m.o.Port), mail.WithTLSPolicy(policy), mail.WithTLSConfig(m.secure()),
		mail.WithDialContextFunc(func(_ context.Context, network, address string) (net.Conn, error) {
			return m.dial(ctx, network, address)
		}),
	}
	if m.o.Username == "" {
		return settings
	}
	// PLAIN and LOGIN never go over a way that others can read: the library sees to it.
	return append(settings, mail.WithUsername(m.o.Username), mail.WithPassword(m.o.Password.Reveal()),
		mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
}

// dial connects to the server, and hangs up when the context ends, which the
// library looks at only while it connects.
func (m *Mail) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if m.o.TLS == ImplicitTLS {
		return tls.Client(conn, m.secure()), nil
	}
	return conn, nil
}

func (m *Mail) secure() *tls.Config {
	config := m.o.Config.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName, config.MinVersion = m.o.Host, tls.VersionTLS12
	return config
}

// explain says what a failure means and what to do, without the password.
func (m *Mail) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	text := m.hide(err.Error())
	said, answered := errors.AsType[*textproto.Error](err)
	refused, unsent := errors.AsType[*mail.SendError](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the mail server %s did not finish in time: check alert.smtp.host, alert.smtp.port and the firewall", m.o.Host)
	case strings.Contains(text, "does not support STARTTLS"):
		return fmt.Errorf("the mail server %s offers no STARTTLS: set alert.smtp.tls to \"tls\" (port 465 mostly) where it takes TLS from the start", m.o.Host)
	case errors.Is(err, mail.ErrNoSupportedAuthDiscovered):
		return fmt.Errorf("the mail server %s takes no way of signing in that can be used on this connection: use TLS, another alert.smtp.host, or one without a user name", m.o.Host)
	case unsent && refused.ErrorCode() >= 500:
		return fmt.Errorf("%w: the mail server said %s: check alert.smtp.from and alert.smtp.to", outbox.ErrRefused, text)
	case answered && said.Code >= 500 && strings.Contains(text, "SMTP AUTH"):
		return fmt.Errorf("%w: the mail server refused the sign-in: compare alert.smtp.username and alert.smtp.password, some providers want an application password: %s", outbox.ErrRefused, text)
	}
	return fmt.Errorf("mail by %s: %s", m.o.Host, text)
}

// hide takes the password out of a text, as it is and as it was sent.
func (m *Mail) hide(text string) string {
	password := m.o.Password.Reveal()
	if password == "" {
		return text
	}
	for _, form := range []string{
		password, base64.StdEncoding.EncodeToString([]byte(password)),
		base64.StdEncoding.EncodeToString([]byte("\x00" + m.o.Username + "\x00" + password)),
	} {
		text = strings.ReplaceAll(text, form, "[hidden]")
	}
	return text
}
