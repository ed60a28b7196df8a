package alert

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

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
	from *mail.Address
	to   []*mail.Address
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
	if m.from, err = mail.ParseAddress(o.From); err != nil {
		return nil, fmt.Errorf("alert: mail from %q: %w", o.From, err)
	}
	for _, to := range o.To {
		address, err := mail.ParseAddress(to)
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

// Deliver implements outbox.Channel.
func (m *Mail) Deliver(ctx context.Context, message outbox.Message) error {
	e, err := readEvent(message)
	if err != nil {
		return err
	}
	text, err := m.letter(&e)
	if err != nil {
		return err
	}
	return m.explain(ctx, m.send(ctx, text))
}

// send hands the letter to the server, in one conversation for all who get it.
func (m *Mail) send(ctx context.Context, letter []byte) error {
	client, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	if err := m.signIn(client); err != nil {
		return err
	}
	if err := client.Mail(m.from.Address); err != nil {
		return err
	}
	for _, to := range m.to {
		if err := client.Rcpt(to.Address); err != nil {
			return err
		}
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(letter); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	_ = client.Quit() // the letter is accepted: how they part does not matter
	return nil
}

// connect greets the server, on an encrypted way unless that is not wanted.
func (m *Mail) connect(ctx context.Context) (*smtp.Client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(m.o.Host, strconv.Itoa(m.o.Port)))
	if err != nil {
		return nil, err
	}
	if deadline, bounded := ctx.Deadline(); bounded {
		_ = conn.SetDeadline(deadline)
	}
	if m.o.TLS == ImplicitTLS {
		conn = tls.Client(conn, m.secure())
	}
	client, err := smtp.NewClient(conn, m.o.Host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if m.o.TLS != StartTLS {
		return client, nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return nil, errors.Join(errNoStartTLS, client.Close())
	}
	if err := client.StartTLS(m.secure()); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return client, nil
}

func (m *Mail) secure() *tls.Config {
	config := m.o.Config.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName, config.MinVersion = m.o.Host, tls.VersionTLS12
	return config
}

var (
	errNoStartTLS = errors.New("the mail server offers no STARTTLS: set alert.smtp.tls to \"tls\" (port 465 mostly) where it takes TLS from the start")
	errNoAuth     = errors.New("the mail server takes neither PLAIN nor LOGIN: use another alert.smtp.host, or one without a user name")
)

// signIn proves who we are, by the first of two ways that the server takes.
func (m *Mail) signIn(client *smtp.Client) error {
	if m.o.Username == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	ways := strings.Fields(strings.ToUpper(offered))
	var auth smtp.Auth
	switch {
	case slices.Contains(ways, "PLAIN"):
		auth = smtp.PlainAuth("", m.o.Username, m.o.Password.Reveal(), m.o.Host)
	case slices.Contains(ways, "LOGIN"):
		auth = &loginAuth{user: m.o.Username, password: m.o.Password}
	default:
		return errNoAuth
	}
	if err := client.Auth(auth); err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	return nil
}

// loginAuth is the older way of servers that take no other (Microsoft's). It never
// goes over a way that others can read, as smtp.PlainAuth does not either.
type loginAuth struct {
	user     string
	password secret.Secret
	step     int
}

// Start implements smtp.Auth.
func (l *loginAuth) Start(server *smtp.ServerInfo) (way string, first []byte, err error) {
	if !server.TLS && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, server.Name) {
		return "", nil, errors.New("unencrypted connection")
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth: the server asks for the name and then for the
// password, whatever words it has for them.
func (l *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	l.step++
	switch {
	case !more:
		return nil, nil
	case l.step == 1:
		return []byte(l.user), nil
	case l.step == 2:
		return []byte(l.password.Reveal()), nil
	}
	return nil, errors.New("the server asks for more than name and password")
}

// explain says what a failure means and what to do, without the password.
func (m *Mail) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	text := m.hide(err.Error())
	said, answered := errors.AsType[*textproto.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the mail server %s did not finish in time: check alert.smtp.host, alert.smtp.port and the firewall", m.o.Host)
	case answered && said.Code >= 500 && strings.HasPrefix(err.Error(), "signing in"):
		return fmt.Errorf("%w: the mail server refused the sign-in: compare alert.smtp.username and alert.smtp.password, some providers want an application password: %s", outbox.ErrRefused, text)
	case answered && said.Code >= 500:
		return fmt.Errorf("%w: the mail server said %s: check alert.smtp.from and alert.smtp.to", outbox.ErrRefused, text)
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

// letter is the message with its head; all of one alert are one thread.
func (m *Mail) letter(e *Event) ([]byte, error) {
	var b bytes.Buffer
	domain := m.from.Address[strings.LastIndexByte(m.from.Address, '@')+1:]
	to := make([]string, 0, len(m.to))
	for _, address := range m.to {
		to = append(to, address.String())
	}
	for _, line := range [][2]string{
		{"From", m.from.String()},
		{"To", strings.Join(to, ", ")},
		{"Subject", mime.BEncoding.Encode("utf-8", subject(e))},
		{"Date", e.At.Format(time.RFC1123Z)},
		{"Message-ID", "<" + e.ID + "@" + domain + ">"},
		{"References", "<" + e.AlertID + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", line[0], line[1])
	}
	b.WriteString("\r\n")
	body := quotedprintable.NewWriter(&b)
	if _, err := body.Write([]byte(strings.ReplaceAll(letterText(e), "\n", "\r\n"))); err != nil {
		return nil, err
	}
	return b.Bytes(), body.Close()
}

// subject says the worst first.
func subject(e *Event) string {
	mark := map[string]string{Critical: "严重", Warning: "警告"}[e.Severity]
	if e.IsCleared() {
		mark = "已恢复"
	}
	return "[wxsign " + mark + "] " + e.Chinese.Title
}

// letterText is what people read, in both languages.
func letterText(e *Event) string {
	var b strings.Builder
	since := e.local(e.Since)
	if e.IsCleared() {
		fmt.Fprintf(&b, "%s\n自 %s 起的问题已于 %s 恢复。\n\n%s\nThis began at %s and was over at %s.\n",
			e.Chinese.Title, since, e.local(e.At), e.English.Title, since, e.local(e.At))
	} else {
		fmt.Fprintf(&b, "%s\n\n情况：%s\n起始：%s\n影响：%s\n处理：%s\n\n— — —\n\n", e.Chinese.Title, e.Chinese.What, since, e.Chinese.Means, e.Chinese.Do)
		fmt.Fprintf(&b, "%s\n\nWhat happened: %s\nSince: %s\nFor users: %s\nWhat to do: %s\n", e.English.Title, e.English.What, since, e.English.Means, e.English.Do)
	}
	if e.Panel != "" {
		b.WriteString("\n" + e.Panel + "\n")
	}
	return b.String()
}
