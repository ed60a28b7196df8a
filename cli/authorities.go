package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"

	"github.com/wxsign/wxsign/service/config"
)

// authorities are those that may sign the certificates of the servers that wxsign
// calls: the system's, and those of security.ca_file beside them. nil is the
// system's alone. Nothing turns the check off.
func authorities(c config.Config) (*x509.CertPool, error) {
	if c.Security.CAFile == "" {
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the system's
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a container may have none
	}
	return pool, addCertificates(pool, "security.ca_file", c.Security.CAFile)
}

// addCertificates reads a PEM file that a key of the configuration names.
func addCertificates(pool *x509.CertPool, key, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s: %s holds no certificate; it must be a PEM file", key, path)
	}
	return nil
}

// redisTLS is how the Redis of the configuration is reached, nil for without TLS.
// Its own authority takes the place of all others.
func redisTLS(all config.Config) (*tls.Config, error) {
	c := all.Publish.Redis
	if !c.TLS {
		return nil, nil //nolint:nilnil // no TLS is no error
	}
	roots, err := authorities(all)
	if err != nil {
		return nil, err
	}
	if c.TLSCA != "" {
		roots = x509.NewCertPool()
		if err := addCertificates(roots, "publish.redis.tls_ca", c.TLSCA); err != nil {
			return nil, err
		}
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, fmt.Errorf("publish.redis.address: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: roots}, nil
}
