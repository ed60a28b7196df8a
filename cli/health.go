package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

const aboutHealth = `asks the wxsign of this configuration whether it runs, by GET /healthz on
server.listen: for the health check of a container, which has no curl. Exit code 1
where it does not answer.
`

// healthTimeout is below the usual one of who runs this.
const healthTimeout = 3 * time.Second

func healthCommand(ctx context.Context, env Env, args []string) error {
	if err := withoutArguments(env, args, "wxsign health", aboutHealth); err != nil {
		return err
	}
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	scheme := "http"
	if c.Server.TLSCert != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+heardOn(c.Server.Listen)+"/healthz", http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // it asks itself; the certificate is for another name than this address
	}}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("no wxsign answers on server.listen %s: %w", c.Server.Listen, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers HTTP status %d", c.Server.Listen, response.StatusCode)
	}
	_, err = fmt.Fprintln(env.Stdout, "ok")
	return err
}

// heardOn is an address to connect to: a wildcard is heard on loopback, too.
func heardOn(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	switch {
	case err != nil:
		return listen
	case host == "" || host == "0.0.0.0":
		host = "127.0.0.1"
	case host == "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
