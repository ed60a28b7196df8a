package publish_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wxsign/wxsign/service/publish"
	"github.com/wxsign/wxsign/service/publish/redistest"
)

// certificate makes one that signs itself, for 127.0.0.1.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	must(t, os.WriteFile(certFile, text, 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return certFile, keyFile, pool
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// secured is a Redis that speaks TLS only.
func secured(t *testing.T) (w *world, pool *x509.CertPool) {
	t.Helper()
	certFile, keyFile, pool := certificate(t)
	server := redistest.Start(t, "--port", "0", "--tls-port", "{port}",
		"--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile, "--tls-auth-clients", "no")
	client := redis.NewClient(&redis.Options{
		Addr: server.Addr(), Protocol: 2, DisableIdentity: true,
		TLSConfig: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12},
	})
	t.Cleanup(func() { _ = client.Close() })
	return &world{t: t, server: server, client: client}, pool
}

func TestTLS(t *testing.T) {
	t.Parallel()
	w, pool := secured(t)
	w.publisher(table(token(1)), func(o *publish.Options) {
		o.TLS = &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	})
	w.holds(tokenKey, "access_token-value-1")
}

func TestTroubleWithTLS(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		plain bool // the server
		tls   func(pool *x509.CertPool) *tls.Config
		want  string
	}{
		"without TLS": {tls: func(*x509.CertPool) *tls.Config { return nil }, want: "whether publish.redis.tls is right"},
		"to a plain port": {plain: true, tls: func(pool *x509.CertPool) *tls.Config {
			return &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
		}, want: "whether publish.redis.tls is right"},
		"an unknown authority": {tls: func(*x509.CertPool) *tls.Config {
			return &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
		}, want: "set publish.redis.tls_ca"},
		"another name": {tls: func(pool *x509.CertPool) *tls.Config {
			return &tls.Config{RootCAs: pool, ServerName: "redis.example.com", MinVersion: tls.VersionTLS12}
		}, want: "write the name that it is for"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, pool := secured(t)
			if tt.plain {
				w = newWorld(t)
			}
			p := w.publisher(table(token(1)), func(o *publish.Options) {
				o.TLS = tt.tls(pool)
				if tt.plain {
					o.Timeout = 300 * time.Millisecond // it waits for the rest of a command
				}
			})
			w.until("trouble", func() bool { return p.Status().Failing > 0 })
			if got := p.Status().Error; !strings.Contains(got, tt.want) {
				t.Errorf("%q lacks %q", got, tt.want)
			}
		})
	}
}
