package cli

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// tlsFiles names certificate and key; empty means plain HTTP.
type tlsFiles struct{ cert, key string }

// certificateLook is the time between two looks at the files: certificates are
// renewed every few weeks, and the old one stays valid for days.
const certificateLook = 30 * time.Second

// certificate is a pair of files that is read again when they change, so that
// a renewed certificate needs no restart.
type certificate struct {
	files tlsFiles

	mu     sync.Mutex
	pair   *tls.Certificate
	mark   string    // of the files that pair was read from
	failed string    // mark of files that could not be read, "" = none
	looked time.Time // when the files were last looked at
}

// newCertificate reads the files; they must be right at the start.
func newCertificate(files tlsFiles) (*certificate, error) {
	c := &certificate{files: files, looked: time.Now()}
	pair, err := tls.LoadX509KeyPair(files.cert, files.key)
	if err != nil {
		return nil, err
	}
	c.pair = &pair
	c.mark, err = c.markNow()
	return c, err
}

// get is for tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= certificateLook {
		c.looked = time.Now()
		c.reload()
	}
	return c.pair, nil
}

// reload takes the files if they changed. A pair that does not fit, as when one
// of two files is written and the other is not yet, leaves the old one in use.
func (c *certificate) reload() {
	mark, err := c.markNow()
	if err == nil && mark == c.mark {
		return
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.files.cert, c.files.key)
	}
	if err != nil {
		if c.failed != mark || mark == "" {
			slog.Error("the changed TLS certificate cannot be read; the previous one is used on. Put certificate and key that belong together in place", "file", c.files.cert, "err", err)
		}
		c.failed = mark
		return
	}
	c.pair, c.mark, c.failed = &pair, mark, ""
	slog.Info("took the renewed TLS certificate", "file", c.files.cert, "valid_until", pair.Leaf.NotAfter)
}

// markNow tells versions of the files apart. It follows symbolic links, which
// Kubernetes and certbot change instead of the files.
func (c *certificate) markNow() (string, error) {
	cert, err := os.Stat(c.files.cert)
	if err != nil {
		return "", err
	}
	key, err := os.Stat(c.files.key)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %d %d %d", cert.ModTime().UnixNano(), cert.Size(), key.ModTime().UnixNano(), key.Size()), nil
}
