package config_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/config"
)

// shipped is the config.toml at the root of the repository.
func shipped(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestShippedFileShowsTheDefaults(t *testing.T) {
	t.Parallel()
	text := config.Production(shipped(t))
	cfg, report := load(t, config.Source{Text: []byte(text)})
	if diff := cmp.Diff(config.Default(), cfg); diff != "" {
		t.Errorf("the shipped file differs from the defaults (-default +file):\n%s", diff)
	}
	if len(report.Warnings) != 0 {
		t.Errorf("warnings: %q", report.Warnings)
	}
	var missing []string
	for _, key := range keysOf("", reflect.TypeFor[config.Config]()) {
		if !strings.Contains(key, "[]") && report.Origin(key).IsDefault() {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		t.Errorf("the shipped file does not show %v", missing)
	}
}

// keysOf lists every key of a table by its toml tags: server.listen,
// account[].app_id.
func keysOf(path string, table reflect.Type) []string {
	var keys []string
	for f := range table.Fields() {
		key := strings.TrimPrefix(path+"."+f.Tag.Get("toml"), ".")
		switch typ := f.Type; {
		case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct:
			keys = append(keys, keysOf(key+"[]", typ.Elem())...)
		case typ.Kind() == reflect.Map:
			keys = append(keys, keysOf(key+"[]", typ.Elem())...)
		case typ.Kind() == reflect.Struct && hasKeys(typ):
			keys = append(keys, keysOf(key, typ)...)
		default:
			keys = append(keys, key)
		}
	}
	return keys
}

// hasKeys tells tables from values that happen to be structs.
func hasKeys(typ reflect.Type) bool {
	return typ.NumField() > 0 && typ.Field(0).Tag.Get("toml") != ""
}

// exampleLine is a line of an example: "# key = value" or "# [[table]]".
var exampleLine = regexp.MustCompile(`^# (\[+[a-z._]+\]+( #.*)?|[a-z_]+ = .*)$`)

// examples turns on every example of a list of tables.
func examples(text string) string {
	var on []string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		found := exampleLine.FindStringSubmatch(line)
		switch {
		case found == nil:
			inside = inside && strings.HasPrefix(line, "#")
		case strings.HasPrefix(found[1], "["):
			inside = true
		}
		if found != nil && inside {
			on = append(on, found[1])
		}
	}
	return strings.Join(on, "\n")
}

func TestExamplesOfTheShippedFileAreRight(t *testing.T) {
	t.Parallel()
	text := examples(shipped(t))
	source := config.Source{Text: []byte(text), ReadFile: func(string) ([]byte, error) { return []byte("0123456789abcdef\n"), nil }}
	cfg, report, err := config.Load(source)
	if err != nil {
		t.Errorf("an example is wrong: %v\n%s", err, text)
	}
	if len(cfg.Accounts) != 2 || len(cfg.Webhooks) != 1 || len(cfg.Simulator.Accounts) != 1 {
		t.Fatalf("an example is missing:\n%s", text)
	}
	elements := map[string][]string{
		"webhook[]": {"webhook[0]"}, "simulator.account[]": {"simulator.account[0]"},
		"account[]": {"account[0]", "account[1]"}, "account[].profiles[]": {"account[0].profiles.album"},
	}
	for _, key := range keysOf("", reflect.TypeFor[config.Config]()) {
		end := strings.LastIndex(key, "[]") + len("[]")
		if end < len("[]") {
			continue
		}
		shown := slices.ContainsFunc(elements[key[:end]], func(element string) bool {
			return !report.Origin(element + key[end:]).IsDefault()
		})
		if !shown {
			t.Errorf("no example shows %s", key)
		}
	}
}

func TestShippedFileIsTheDemo(t *testing.T) {
	t.Parallel()
	cfg, report := load(t, config.Source{Text: []byte(shipped(t))})
	if len(report.Warnings) != 0 {
		t.Errorf("warnings: %q", report.Warnings)
	}
	if !cfg.Simulator.Enabled || !cfg.Demo.Enabled || cfg.WeChat.BaseURL != "http://"+cfg.Simulator.Listen ||
		cfg.WeChat.WeComBaseURL != cfg.WeChat.BaseURL+"/qyapi" {
		t.Errorf("the demo is not on: %+v", cfg)
	}
	if len(cfg.Accounts) != 1 || len(cfg.Simulator.Accounts) != 1 {
		t.Fatalf("want one account on both sides, got %d and %d", len(cfg.Accounts), len(cfg.Simulator.Accounts))
	}
	account, known := cfg.Accounts[0], cfg.Simulator.Accounts[0]
	if account.AppID != known.AppID || !account.Secret.Equal(known.Secret) {
		t.Error("the simulator does not know the demo account")
	}
	// Apart from the block nothing may differ from production.
	want := config.Default()
	want.Accounts, want.WeChat.BaseURL, want.WeChat.WeComBaseURL = cfg.Accounts, cfg.WeChat.BaseURL, cfg.WeChat.WeComBaseURL
	want.Simulator.Accounts, want.Simulator.Enabled, want.Simulator.AnyPort = cfg.Simulator.Accounts, true, true
	want.Demo.Enabled = true
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("the demo changes more than its block says (-want +got):\n%s", diff)
	}
}

func TestShippedFileMovesToMySQL(t *testing.T) {
	t.Parallel()
	const dsn = "wxsign:PASSWORD@tcp(127.0.0.1:3306)/wxsign"
	for name, source := range map[string]config.Source{
		"by two variables": {
			Text: []byte(shipped(t)), Env: []string{"WXSIGN_DATABASE_DRIVER=mysql", "WXSIGN_DATABASE_DSN=" + dsn},
		},
		"by its commented lines": {
			Text: []byte(turnToMySQL(shipped(t))),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, _ := load(t, source)
			if cfg.Database.Driver != config.DriverMySQL || cfg.Database.DSN.Reveal() != dsn {
				t.Errorf("driver %q, dsn %q", cfg.Database.Driver, cfg.Database.DSN.Reveal())
			}
		})
	}
}

func turnToMySQL(text string) string {
	return strings.NewReplacer(
		"\ndriver = ", "\n# driver = ", "\n# driver = ", "\ndriver = ",
		"\ndsn = ", "\n# dsn = ", "\n# dsn = ", "\ndsn = ",
	).Replace(text)
}

func TestProductionKeepsWhatIsNotTheDemo(t *testing.T) {
	t.Parallel()
	const text = "# one\n\n# >>> demo: words\n[a]\nx = 1\n# <<< demo\n\n[b]\ny = 1\n#[c]\n#z = 1 # why\n# example = 1\n#words, not a key\n"
	const want = "# one\n\n[b]\ny = 1\n[c]\nz = 1 # why\n# example = 1\n#words, not a key\n"
	if diff := cmp.Diff(want, config.Production(text)); diff != "" {
		t.Errorf("Production (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("a = 1\n", config.Production("a = 1\n")); diff != "" {
		t.Errorf("a file without the block (-want +got):\n%s", diff)
	}
}
