package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/cli"
)

// pair are the files of a certificate.
type pair struct{ cert, key string }

// writePair puts a new self-signed certificate with this serial in place.
func writePair(t *testing.T, files pair, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, files.cert, "CERTIFICATE", der)
	writePEM(t, files.key, "EC PRIVATE KEY", keyDER)
}

// writePEM replaces a file as renewal programs do: by renaming.
func writePEM(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

func serialOf(t *testing.T, c cli.Certificate) int64 {
	t.Helper()
	served, err := c.Serve()
	if err != nil {
		t.Fatal(err)
	}
	return served.Leaf.SerialNumber.Int64()
}

func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		files := pair{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
		writePair(t, files, 1)
		c, err := cli.NewCertificate(files.cert, files.key)
		if err != nil {
			t.Fatal(err)
		}
		steps := []struct {
			name string
			do   func()
			want int64
		}{
			{"nothing changed", func() {}, 1},
			{"renewed", func() { writePair(t, files, 2) }, 2},
			{"half of a pair", func() { writePEM(t, files.cert, "CERTIFICATE", []byte("not one")) }, 2},
			{"gone", func() { _ = os.Remove(files.cert) }, 2},
			{"whole again", func() { writePair(t, files, 3) }, 3},
		}
		for _, step := range steps {
			before := serialOf(t, c)
			step.do()
			if got := serialOf(t, c); got != before {
				t.Errorf("%s: serial %d at once; the files are looked at every %s", step.name, got, cli.CertificateLook)
			}
			time.Sleep(cli.CertificateLook)
			if got := serialOf(t, c); got != step.want {
				t.Errorf("%s: serial %d, want %d", step.name, got, step.want)
			}
		}
	})
}

func TestCertificateMustFitAtTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := pair{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	if _, err := cli.NewCertificate(files.cert, files.key); err == nil {
		t.Error("files that are not there were taken")
	}
}
