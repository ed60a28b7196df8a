package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/secret"
)

func TestShowMasksAndTellsWhereFrom(t *testing.T) {
	t.Parallel()
	key := secret.NewKey()
	cfg, report := load(t, config.Source{
		Path: "my.toml",
		Text: []byte("[server]\npublic_url = \"https://a.example.com\"\n[security]\nmaster_key = \"" + key + "\"\n" +
			anAccount +
			"[account.profiles.album]\njs_api_list = [\"chooseImage\"]\n" + aSimulator),
		Env:      []string{"WXSIGN_DATABASE_DSN=/data/demo.db", "WXSIGN_SIMULATOR_ACCOUNT_0_SECRET=file:/run/s"},
		ReadFile: files(map[string]string{"/run/s": "canary"}),
	})
	text := config.Show(cfg, report)
	for _, line := range []string{
		"[server]\nlisten = \"127.0.0.1:8080\" # default\n",
		"public_url = \"https://a.example.com\" # my.toml:2\n",
		"dsn = \"/data/demo.db\" # env WXSIGN_DATABASE_DSN\n",
		"master_key = \"***\" # my.toml:4\n",
		"\n[publish.redis]\n",
		"password = \"\" # default\n",
		"\n[[simulator.account]]\napp_id = \"wx1\" # my.toml:11\nsecret = \"***\" # env WXSIGN_SIMULATOR_ACCOUNT_0_SECRET, read from /run/s\n",
		"\n[[account]]\n",
		"\n[account.profiles.album]\njs_api_list = [\"chooseImage\"] # my.toml:9\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the text lacks %q:\n%s", line, text)
		}
	}
	for _, hidden := range []string{key, "canary", "s3cr3t"} {
		if strings.Contains(text, hidden) {
			t.Errorf("the text shows %q", hidden)
		}
	}
	if err := toml.Unmarshal([]byte(text), &map[string]any{}); err != nil {
		t.Errorf("the text is not TOML: %v\n%s", err, text)
	}
}

// The key that opens a receiver stands in its address, at any place of it.
func TestShowMasksKeysOfReceivers(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://hooks.example.com":                        "https://hooks.example.com",
		"https://hooks.example.com/":                       "https://hooks.example.com/",
		"https://hooks.example.com/hook/k3y":               "https://hooks.example.com/***",
		"https://hooks.example.com:8443/send?access=k3y":   "https://hooks.example.com:8443/***",
		"https://hooks.example.com?k3y":                    "https://hooks.example.com/***",
		"https://open.example.com/open-apis/bot/v2/k3y?a=": "https://open.example.com/***",
	} {
		text := "[[webhook]]\nurl = \"" + address + "\"\nsecret = \"0123456789abcdef\"\n"
		cfg, report := load(t, config.Source{Path: "my.toml", Text: []byte(text)})
		if shown := config.Show(cfg, report); !strings.Contains(shown, `url = "`+want+`" # my.toml`) || strings.Contains(shown, "k3y") {
			t.Errorf("%s is not shown as %s:\n%s", address, want, shown)
		}
	}
}

// The host of a database can be checked by eye, its password not be read; what no
// driver can read may have it anywhere.
func TestShowMasksThePasswordOfTheDatabase(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"wxsign:c4nary@tcp(db.example.com:3306)/wxsign?tls=true": "wxsign:***@tcp(db.example.com:3306)/wxsign?tls=true",
		"wxsign:c4n@ry:x@tcp(db:3306)/wxsign":                    "wxsign:***@tcp(db:3306)/wxsign",
		"wxsign@unix(/run/mysql.sock)/wxsign":                    "wxsign@unix(/run/mysql.sock)/wxsign",
		"mysql://wxsign:c4nary@db/wxsign":                        "***",
		"wxsign:c4nary@db":                                       "***",
		"c4nary":                                                 "***",
		"/wxsign":                                                "@tcp(127.0.0.1:3306)/wxsign",

		"wxsign@tcp(db:3306)/wxsign?password=c4nary&tls=true&c4nary":         "wxsign@tcp(db:3306)/wxsign?password=***&tls=true&***",
		"wxsign:c4nary@tcp(db:3306)/wxsign?loc=UTC&connectionAttributes=c4n": "wxsign:***@tcp(db:3306)/wxsign?loc=UTC&connectionAttributes=***",
		"wxsign@tcp(db:3306)/wxsign&password=c4nary":                         "***",
		"wxsign@tcp(db:3306)/wxsign?password=c4n(ry)/w":                      "***",
		"wxsign@c4nary@tcp(db:3306)/wxsign":                                  "***",
	} {
		cfg, report := config.Config{Database: config.Database{Driver: config.DriverMySQL, DSN: secret.New(dsn)}}, config.Report{}
		text := config.Show(cfg, report)
		if !strings.Contains(text, "dsn = \""+want+"\"") {
			t.Errorf("%s: not shown as %s", dsn, want)
		}
		if strings.Contains(text, "c4n") {
			t.Errorf("%s: the password is shown", dsn)
		}
	}
}

// What Show writes of a configuration without secrets is that configuration.
func TestShowCanBeReadAgain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[log]\nlevel = \"debug\"\n[history]\nretention = \"36h\"\n[security]\nmaster_key = \"file:k\"\n"} {
		cfg, report := load(t, config.Source{Text: []byte(text)})
		again, _ := load(t, config.Source{Text: []byte(config.Show(cfg, report))})
		if diff := cmp.Diff(cfg, again); diff != "" {
			t.Errorf("(-shown +read):\n%s", diff)
		}
	}
}

func TestConfigNeverPrintsSecrets(t *testing.T) {
	t.Parallel()
	cfg, _ := load(t, config.Source{Text: []byte(anAccount)})
	if text := cmp.Diff(cfg, config.Config{}); strings.Contains(text, "s3cr3t") {
		t.Error("a difference of configurations shows a secret")
	}
}
