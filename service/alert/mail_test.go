package alert_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/secret"
)

const (
	mailUser     = "wxsign"
	mailPassword = "correct-horse-7"
)

// mailServer is Debian's python3-aiosmtpd in a process of its own.
type mailServer struct {
	port    int
	letters string // folder: a JSON file for each letter
	roots   *x509.CertPool
}

// startMail starts the server: mode is starttls, tls or none.
func startMail(t *testing.T, mode string) mailServer {
	t.Helper()
	dir := t.TempDir()
	s := mailServer{letters: filepath.Join(dir, "letters"), roots: x509.NewCertPool()}
	must(t, os.Mkdir(s.letters, 0o700))
	certificate := s.certificate(t, dir)
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, "/usr/bin/python3", "testdata/smtpd.py", mode, certificate, s.letters, mailUser, mailPassword)
	server.Stderr = t.Output()
	out, err := server.StdoutPipe()
	must(t, err)
	if err := server.Start(); err != nil {
		t.Fatalf("no mail server: run scripts/deps.sh: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &s.port) != nil {
		t.Fatalf("the mail server does not start, is python3-aiosmtpd there? Run scripts/deps.sh: %v %q", err, line)
	}
	return s
}

// certificate writes one for 127.0.0.1, with its key, and trusts it.
func (s mailServer) certificate(t *testing.T, dir string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	path := filepath.Join(dir, "server.pem")
	must(t, os.WriteFile(path, text, 0o600))
	s.roots.AppendCertsFromPEM(text)
	return path
}

// options are those of a client that the server lets in.
func (s mailServer) options(mode string) alert.MailOptions {
	return alert.MailOptions{
		Host: "127.0.0.1", Port: s.port, Username: mailUser, Password: secret.New(mailPassword), TLS: mode,
		From: "wxsign <wxsign@example.com>", To: []string{"ops@example.com", "老王 <wang@example.com>"}, Config: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12},
	}
}

// letter is what the server took.
type letter struct {
	From   string   `json:"from"`
	To     []string `json:"to"`
	Text   string   `json:"text"`
	Signed bool     `json:"signed"` // the sender had signed in
	TLS    bool     `json:"tls"`
}

// taken are all letters.
func (s mailServer) taken(t *testing.T) (letters []letter) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.letters, "*.json"))
	must(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		var l letter
		must(t, json.Unmarshal(raw, &l))
		letters = append(letters, l)
	}
	return letters
}

func deliver(t *testing.T, o alert.MailOptions, m outbox.Message) error {
	t.Helper()
	channel, err := alert.NewMail(o)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return channel.Deliver(ctx, m)
}

// A real server, in each way of encrypting.
func TestMail(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{alert.StartTLS, alert.ImplicitTLS, alert.NoTLS} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := startMail(t, mode)
			must(t, deliver(t, s.options(mode), event(t, nil)))
			letters := s.taken(t)
			if len(letters) != 1 || !letters[0].Signed || letters[0].TLS != (mode != alert.NoTLS) || letters[0].From != "wxsign@example.com" ||
				strings.Join(letters[0].To, " ") != "ops@example.com wang@example.com" {
				t.Fatalf("%+v", letters)
			}
			read(t, letters[0].Text)
		})
	}
}

// read reads a letter as a mail program does.
func read(t *testing.T, text string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	must(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	must(t, err)
	if subject != "[wxsign 严重] 微信拒绝了店铺" || m.Header.Get("Message-ID") != "<abc-raised-critical@example.com>" ||
		m.Header.Get("References") != "<abc@example.com>" || m.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("%q, %v", subject, m.Header)
	}
	to, err := m.Header.AddressList("To")
	must(t, err)
	if len(to) != 2 || to[1].Name != "老王" {
		t.Errorf("to %v", to)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	must(t, err)
	for _, want := range []string{
		"errcode 40164。", "2023-11-15 06:13:20 +08:00", "What to do: Add the address.", "https://w.example.com/admin/alerts",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the letter does not say %q:\n%s", want, body)
		}
	}
}

// What goes wrong is told with its mend, and never with the password.
func TestMailFails(t *testing.T) {
	t.Parallel()
	start, plain := startMail(t, alert.StartTLS), startMail(t, alert.NoTLS)
	for _, tt := range []struct {
		name    string
		options alert.MailOptions
		change  func(o *alert.MailOptions)
		refused bool
		want    string
	}{
		{"wrong password", start.options(alert.StartTLS), func(o *alert.MailOptions) { o.Password = secret.New("wrong-horse-8") }, true, "alert.smtp.password"},
		{"a recipient that is none", start.options(alert.StartTLS), func(o *alert.MailOptions) { o.To = []string{"gone@example.com"} }, true, "alert.smtp.to"},
		{"a certificate of nobody", start.options(alert.StartTLS), func(o *alert.MailOptions) { o.Config = nil }, false, "certificate"},
		{"no STARTTLS", plain.options(alert.StartTLS), func(*alert.MailOptions) {}, false, "offers no STARTTLS"},
		{"nobody there", start.options(alert.StartTLS), func(o *alert.MailOptions) { o.Port = 1 }, false, "refused"},
	} {
		o := tt.options
		tt.change(&o)
		err := deliver(t, o, event(t, nil))
		if err == nil || errors.Is(err, outbox.ErrRefused) != tt.refused || !strings.Contains(err.Error(), tt.want) ||
			strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if letters := append(start.taken(t), plain.taken(t)...); len(letters) != 0 {
		t.Errorf("%d letters were taken", len(letters))
	}
}
