package model_test

import (
	"crypto/x509"
	"errors"
	"os"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// Regression: the certificate of a database was held against the system's
// authorities alone. It is looked at wherever the DSN says tls=true.
func TestDatabaseByTLS(t *testing.T) {
	t.Parallel()
	server, file := modeltest.MariaDBServerTLS(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	own := x509.NewCertPool()
	own.AppendCertsFromPEM(text)
	for name, tt := range map[string]struct {
		parameters string
		roots      *x509.CertPool
		refused    bool
	}{
		"an authority of one's own": {"?tls=true", own, false},
		"the system's":              {"?tls=true", nil, true},
		"others":                    {"?tls=true", x509.NewCertPool(), true},
		"nobody asked for TLS":      {"", own, false},
		"nobody looks":              {"?tls=skip-verify", own, false},
		"TLS where there is any":    {"?tls=preferred", nil, false},
		"in other words":            {"?tls=1", own, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := model.Open(model.Options{Driver: model.MySQL, DSN: server.DSN() + tt.parameters, RootCAs: tt.roots})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			_, err = store.Now(t.Context())
			if (err != nil) != tt.refused {
				t.Fatalf("%v; want it refused: %t", err, tt.refused)
			}
			if err != nil && !errors.Is(err, model.ErrCertificate) {
				t.Errorf("refused for another reason: %v", err)
			}
		})
	}
}
