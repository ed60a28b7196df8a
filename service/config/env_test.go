package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/config"
)

func TestEnvironmentOfEveryKind(t *testing.T) {
	t.Parallel()
	cfg, report := load(t, config.Source{
		Text: []byte("[server]\nlisten = \"127.0.0.1:1\"\n" + anAccount +
			"[account.profiles.foto-album]\njs_api_list = [\"chooseImage\"]\nopen_tag_list = [\"wx-open-audio\"]\n" + aSimulator),
		Env: []string{
			"PATH=/bin", "NOTHING", "WXSIGN_SERVER_LISTEN=127.0.0.1:2", "WXSIGN_SERVER_LISTEN=127.0.0.1:3", // the last counts
			"WXSIGN_SERVER_RATE_PER_ADDRESS=7", "WXSIGN_SERVER_TRUSTED_PROXIES=10.0.0.0/8, 192.168.1.7 ,",
			"WXSIGN_DATABASE_AUTO_MIGRATE=false", "WXSIGN_HISTORY_RETENTION=30d", "WXSIGN_REFRESH_SCAN=@every 2s",
			"WXSIGN_PUBLISH_REDIS_TOKEN_KEY=token:{app_id}x", "WXSIGN_PUBLISH_REDIS_TOKEN_KEY=wx:access_token:{app_id}",
			"WXSIGN_ACCOUNT_0_SECRET=other", "WXSIGN_ACCOUNT_0_ALLOW_HTTP=1",
			"WXSIGN_ACCOUNT_0_PROFILES_FOTO_ALBUM_JS_API_LIST=chooseImage,previewImage",
			"WXSIGN_ACCOUNT_0_PROFILES_SCAN_CODE_JS_API_LIST=scanQRCode",
			"WXSIGN_SIMULATOR_ACCOUNT_0_SECRET=other", "WXSIGN_SIMULATOR_CREDENTIAL_LIFE=120s",
		},
	})
	if len(report.Warnings) != 0 {
		t.Errorf("warnings: %q", report.Warnings)
	}
	account := cfg.Accounts[0]
	for name, same := range map[string]bool{
		"text":           cfg.Server.Listen == "127.0.0.1:3",
		"number":         cfg.Server.RatePerAddress == 7,
		"list":           cmp.Equal(cfg.Server.TrustedProxies, []string{"10.0.0.0/8", "192.168.1.7"}),
		"flag":           !cfg.Database.AutoMigrate,
		"duration":       cfg.History.Retention.Std() == 30*24*time.Hour,
		"cron spec":      cfg.Refresh.Scan == "@every 2s",
		"nested":         cfg.Publish.Redis.TokenKey == "wx:access_token:{app_id}",
		"account":        account.Secret.Reveal() == "other" && account.AllowHTTP,
		"simulator":      cfg.Simulator.Accounts[0].Secret.Reveal() == "other",
		"simulator life": cfg.Simulator.CredentialLife.Std() == 2*time.Minute,
	} {
		if !same {
			t.Errorf("the %s was not set", name)
		}
	}
	want := map[string]config.Profile{
		"foto-album": {JSAPIList: []string{"chooseImage", "previewImage"}, OpenTagList: []string{"wx-open-audio"}},
		"scan_code":  {JSAPIList: []string{"scanQRCode"}},
	}
	if diff := cmp.Diff(want, account.Profiles); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
	if got := report.Origin("account[0].secret").String(); got != "env WXSIGN_ACCOUNT_0_SECRET" {
		t.Errorf("origin = %q", got)
	}
}

func TestEnvironmentAddsAccounts(t *testing.T) {
	t.Parallel()
	var env []string
	for _, i := range []string{"10", "2", "9", "1", "0", "5", "4", "3", "8", "7", "6"} {
		env = append(env, "WXSIGN_ACCOUNT_"+i+"_SECRET=s", "WXSIGN_ACCOUNT_"+i+"_APP_ID=wx"+i)
	}
	cfg, _ := load(t, config.Source{Env: env})
	if len(cfg.Accounts) != 11 || cfg.Accounts[10].AppID != "wx10" || cfg.Accounts[2].AppID != "wx2" {
		t.Fatalf("accounts: %+v", cfg.Accounts)
	}
	if got := cfg.Accounts[3]; got.TokenMode != config.TokenModeStable || len(got.Tickets) != 1 {
		t.Errorf("a new account has no defaults: %+v", got)
	}
}

func TestEnvironmentFaults(t *testing.T) {
	t.Parallel()
	tests := []struct{ env, key, problem string }{
		{"WXSIGN_SERVER_RATE_PER_ADDRESS=many", "server.rate_per_address", "must be a whole number"},
		{"WXSIGN_SERVER_RATE_PER_ADDRESS=", "server.rate_per_address", "must be a whole number"},
		{"WXSIGN_SERVER_RATE_PER_ADDRESS=99999999999999999999", "server.rate_per_address", "must be a whole number"},
		{"WXSIGN_DATABASE_AUTO_MIGRATE=maybe", "database.auto_migrate", "must be true or false"},
		{"WXSIGN_REFRESH_LEASE=45", "refresh.lease", "not a duration"},
		{"WXSIGN_LOG_LEVEL=loud", "log.level", `cannot be "loud"`},
		{"WXSIGN_SERVER_TRUSTED_PROXIES=10.0.0.0/8,everyone", "server.trusted_proxies[1]", `not a network: "everyone"`},
		{"WXSIGN_OUTBOUND_ALLOW=10.0.0.0/8,http://hooks.internal", "outbound.allow[1]", `neither a network nor a name: "http://hooks.internal"`},
		{"WXSIGN_OUTBOUND_ALLOW=*.svc.cluster.local,*", "outbound.allow[1]", `neither a network nor a name: "*"`},
		{"WXSIGN_OUTBOUND_ALLOW=hooks.internal:80", "outbound.allow[0]", "neither a network nor a name"},
		{"WXSIGN_ACCOUNT_7_SECRET=s", "account[7]", "leaves a gap"},
		{"WXSIGN_ACCOUNT_99999999999999999999_SECRET=s", "account[99999999999999999999]", "leaves a gap"},
		{"WXSIGN_ACCOUNT_0_DOMAINS=a.example.com,*", "account[0].domains[1]", "not a domain"},
		{"WXSIGN_WEBHOOK_0_URL=ftp://x.example.com", "webhook[0].url", "must be an http or https URL"},
		{"WXSIGN_ALERT_SMTP_PORT=0", "alert.smtp.port", "cannot be 0"},
	}
	for _, test := range tests {
		t.Run(test.env, func(t *testing.T) {
			t.Parallel()
			// The file has such lists too: its lines must not be named.
			text := "[server]\ntrusted_proxies = [\"10.0.0.1\", \"10.0.0.2\"]\n" + anAccount
			name, _, _ := strings.Cut(test.env, "=")
			for _, fault := range faultsOf(t, config.Source{Text: []byte(text), Env: []string{test.env}}) {
				if fault.Key == test.key && fault.Variable == name && strings.Contains(fault.Problem, test.problem) {
					return
				}
				t.Logf("fault: %s (%s)", fault, fault.Variable)
			}
			t.Errorf("no fault at %s from %s with %q", test.key, name, test.problem)
		})
	}
}

func TestUnknownVariablesAreWarnings(t *testing.T) {
	t.Parallel()
	plain, _ := load(t, config.Source{Text: []byte(anAccount)})
	cfg, report := load(t, config.Source{
		Text: []byte(anAccount),
		Env: []string{
			// As Kubernetes sets them for a service named wxsign.
			"WXSIGN_PORT=tcp://10.0.0.1:80", "WXSIGN_SERVICE_HOST=10.0.0.1", "WXSIGN_PORT_80_TCP_ADDR=10.0.0.1",
			"WXSIGN_SERVER_LISTNE=:1", "WXSIGN_SERVER=1", "WXSIGN_SERVER_LISTEN_=1", "WXSIGN_=1",
			"WXSIGN_ACCOUNT_COUNT=1", "WXSIGN_ACCOUNT_0=1", "WXSIGN_ACCOUNT_01_SECRET=1", "WXSIGN_ACCOUNT_1_SECRT=1",
			"WXSIGN_ACCOUNT_0_PROFILES_JS_API_LIST=1", "WXSIGN_ACCOUNT_0_PROFILES_A=1", "WXSIGN_ACCOUNT_99_SECRT=1",
		},
	})
	if len(report.Warnings) != 14 {
		t.Errorf("%d warnings, want 14: %s", len(report.Warnings), report.Warnings)
	}
	const hint = "WXSIGN_SERVER_LISTNE sets nothing that wxsign knows; did you mean WXSIGN_SERVER_LISTEN?"
	if all := fmt.Sprint(report.Warnings); !strings.Contains(all, hint) {
		t.Errorf("no hint at the spelling: %s", all)
	}
	if diff := cmp.Diff(plain, cfg); diff != "" {
		t.Errorf("an unknown variable changed something (-want +got):\n%s", diff)
	}
}
