package cli

import "crypto/tls"

// Certificate lets tests watch how certificate files are read again.
type Certificate struct{ *certificate }

// CertificateLook is the time between two looks at the files.
const CertificateLook = certificateLook

// NewCertificate reads a pair of files.
func NewCertificate(cert, key string) (Certificate, error) {
	c, err := newCertificate(tlsFiles{cert: cert, key: key})
	return Certificate{c}, err
}

// Serve is what a TLS handshake gets.
func (c Certificate) Serve() (*tls.Certificate, error) { return c.get(&tls.ClientHelloInfo{}) }
