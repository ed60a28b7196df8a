package cli_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/cli"
	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/secret"
)

// Regression: security.ca_file did not hold for the database.
func TestAuthorityOfTheDatabase(t *testing.T) {
	t.Parallel()
	server, certificate := modeltest.MariaDBServerTLS(t)
	migrate := func(more ...string) (code int, stderr string) {
		var errs bytes.Buffer
		environ := append([]string{
			"WXSIGN_DATABASE_DRIVER=mysql", "WXSIGN_DATABASE_DSN=" + server.DSN() + "?tls=true",
			"WXSIGN_SECURITY_MASTER_KEY=" + secret.NewKey(),
		}, more...)
		code = cli.Run(t.Context(), cli.Env{
			Args: []string{"migrate", "up"}, Environ: environ, Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}, Stderr: &errs,
		})
		return code, errs.String()
	}
	if code, stderr := migrate(); code != 1 || !strings.Contains(stderr, "in security.ca_file") {
		t.Errorf("with the system's authorities: exit code %d: %s", code, stderr)
	}
	if code, stderr := migrate("WXSIGN_SECURITY_CA_FILE=" + certificate); code != 0 {
		t.Errorf("with that of the database: exit code %d: %s", code, stderr)
	}
	if code, stderr := migrate("WXSIGN_SECURITY_CA_FILE=/nowhere.pem"); code != 1 || !strings.Contains(stderr, "security.ca_file") {
		t.Errorf("with a file that is not there: exit code %d: %s", code, stderr)
	}
}
