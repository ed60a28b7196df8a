package main_test

import (
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// WeChat behind a gateway of the company's, whose certificate only the company's
// own authority has signed: with security.ca_file it is called, without it is not,
// and the doctor says why.
func TestAuthorityOfOnesOwn(t *testing.T) {
	t.Parallel()
	sim := simtest.Start(t, simulator.Options{Accounts: []simulator.Account{
		{AppID: demoApp, Secret: "secret-behind-the-gateway", Domains: []string{"h5.example.com"}},
	}})
	behind, err := url.Parse(sim.URL)
	if err != nil {
		t.Fatal(err)
	}
	gateway := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(behind))
	gateway.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // of handshakes that are refused
	gateway.StartTLS()
	t.Cleanup(gateway.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: gateway.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlace(t, oneAccount, "WXSIGN_WECHAT_BASE_URL="+gateway.URL, "WXSIGN_ACCOUNT_0_APP_ID="+demoApp,
		"WXSIGN_ACCOUNT_0_SECRET=secret-behind-the-gateway", "WXSIGN_ACCOUNT_0_DOMAINS=h5.example.com",
		"WXSIGN_DATABASE_DSN="+filepath.Join(t.TempDir(), "wxsign.db"))
	stranger, broken := *p, *p
	broken.env = slices.Concat(p.env, []string{"WXSIGN_SECURITY_CA_FILE=" + p.config})
	p.env = slices.Concat(p.env, []string{"WXSIGN_SECURITY_CA_FILE=" + file})
	s := p.startReady(t)
	s.sign(page, sim.URL)
	s.end()

	if code, stdout, stderr := p.run(t, "doctor"); strings.Contains(stdout+stderr, "certificate") {
		t.Errorf("the doctor with the authority: exit code %d, %s%s", code, stdout, stderr)
	}
	if code, stdout, _ := stranger.run(t, "doctor"); code == 0 || !strings.Contains(stdout, "certificate") {
		t.Errorf("the doctor without it: exit code %d, %s", code, stdout)
	}
	if code, _, stderr := broken.run(t, "doctor"); code == 0 || !strings.Contains(stderr, "security.ca_file") {
		t.Errorf("a file without a certificate: exit code %d, %s", code, stderr)
	}
}
