package main_test

import (
	"encoding/json"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// direct are the modules that this one asks for, each with its reason. A new one
// is a decision: who keeps it, what does it bring along, could a few lines do?
var direct = map[string]string{
	"github.com/alexedwards/scs/v2":       "sessions of the panel: renewed at sign-in, hashed in the store",
	"github.com/chromedp/cdproto":         "tests: chromedp's protocol",
	"github.com/chromedp/chromedp":        "tests: a real browser",
	"github.com/getkin/kin-openapi":       "tests: holds answers to the API document",
	"github.com/gin-gonic/gin":            "HTTP routes",
	"github.com/glebarez/go-sqlite":       "SQLite without cgo",
	"github.com/glebarez/sqlite":          "SQLite for gorm",
	"github.com/go-sql-driver/mysql":      "MySQL and MariaDB",
	"github.com/gofrs/flock":              "one serve per SQLite file",
	"github.com/google/go-cmp":            "tests: differences that can be read",
	"github.com/hashicorp/golang-lru/v2":  "bounded tables: limits, absent keys",
	"github.com/pelletier/go-toml/v2":     "the configuration; gin brings it too",
	"github.com/pressly/goose/v3":         "migrations, one replica at a time",
	"github.com/prometheus/client_golang": "metrics",
	"github.com/redis/go-redis/v9":        "the Redis output",
	"github.com/robfig/cron/v3":           "schedules",
	"github.com/rs/cors":                  "CORS of /jssdk/config",
	"github.com/wneessen/go-mail":         "mail of alerts",
	"go.uber.org/goleak":                  "tests: no goroutine outlives",
	"golang.org/x/crypto":                 "argon2id",
	"golang.org/x/net":                    "names with letters beyond ASCII, as browsers read them",
	"golang.org/x/sync":                   "semaphores and single flight",
	"golang.org/x/text":                   "languages of pages",
	"golang.org/x/time":                   "rate limits",
	"gorm.io/driver/mysql":                "MySQL for gorm",
	"gorm.io/gorm":                        "the database",
	"rsc.io/qr":                           "QR code of the demo page",
}

// indirect are those that come along. Most of gin's are other codecs, which the
// program does not link (build tag nomsgpack, and nobody calls them).
const indirect = `
filippo.io/edwards25519
github.com/beorn7/perks
github.com/bytedance/gopkg
github.com/bytedance/sonic
github.com/bytedance/sonic/loader
github.com/cespare/xxhash/v2
github.com/cloudwego/base64x
github.com/dustin/go-humanize
github.com/gabriel-vasile/mimetype
github.com/gin-contrib/sse
github.com/go-json-experiment/json
github.com/go-openapi/jsonpointer
github.com/go-openapi/swag/jsonname
github.com/go-playground/locales
github.com/go-playground/universal-translator
github.com/go-playground/validator/v10
github.com/goccy/go-json
github.com/goccy/go-yaml
github.com/google/uuid
github.com/jinzhu/inflection
github.com/jinzhu/now
github.com/json-iterator/go
github.com/klauspost/cpuid/v2
github.com/leodido/go-urn
github.com/mattn/go-isatty
github.com/mfridman/interpolate
github.com/modern-go/concurrent
github.com/modern-go/reflect2
github.com/munnerz/goautoneg
github.com/ncruces/go-strftime
github.com/oasdiff/yaml
github.com/oasdiff/yaml3
github.com/prometheus/client_model
github.com/prometheus/common
github.com/prometheus/procfs
github.com/quic-go/qpack
github.com/quic-go/quic-go
github.com/remyoudompheng/bigfft
github.com/santhosh-tekuri/jsonschema/v6
github.com/sethvargo/go-retry
github.com/twitchyliquid64/golang-asm
github.com/ugorji/go/codec
go.mongodb.org/mongo-driver/v2
go.uber.org/atomic
go.uber.org/multierr
golang.org/x/arch
golang.org/x/sys
google.golang.org/protobuf
modernc.org/libc
modernc.org/mathutil
modernc.org/memory
modernc.org/sqlite
`

// Who takes over a module that wxsign builds on takes over wxsign: no module comes
// in unseen, by a bump of another one either.
func TestModulesAreDecisions(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-mod=readonly", "-f",
		"{{.Path}} {{.Indirect}} {{.Main}} {{if .Replace}}replaced{{end}}", "all").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	mod := readText(t, "go.mod")
	found := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if fields[2] == "true" || !strings.Contains(mod, "\t"+fields[0]+" v") {
			continue // itself, or only in somebody's go.mod: nothing of it is built
		}
		found[fields[0]] = true
		if len(fields) > 3 {
			t.Errorf("%s is replaced by something else", fields[0])
		}
		if direct[fields[0]] == "" && !slices.Contains(strings.Fields(indirect), fields[0]) {
			t.Errorf("%s is new: say in modules_test.go why it is needed, or do without it", fields[0])
		}
		if isDirect := fields[1] == "false"; isDirect && direct[fields[0]] == "" {
			t.Errorf("%s is used directly now: say in modules_test.go what for", fields[0])
		}
	}
	if len(found) < 50 {
		t.Fatalf("only %d modules found in go.mod", len(found))
	}
	for name := range direct {
		if !found[name] {
			t.Errorf("modules_test.go lists %s, which is not needed any more", name)
		}
	}
}

// beside are what the modules beside this one ask for. Nothing of them is in the
// program, but they run on our machines and in CI.
var beside = map[string]map[string]string{
	"bench": {
		"github.com/ArtisanCloud/PowerWeChat/v3": "a peer to be measured",
		"github.com/chanxuehong/wechat":          "a peer to be measured",
		"github.com/silenceper/wechat/v2":        "a peer to be measured",
		"github.com/gin-gonic/gin":               "what an answer of Gin costs",
		"github.com/valyala/fasthttp":            "what an answer costs without net/http",
		"github.com/go-sql-driver/mysql":         "the database of a peer",
		"gorm.io/driver/mysql":                   "the same, for gorm",
		"gorm.io/gorm":                           "the database of a peer",
	},
	"compat": {
		"github.com/ArtisanCloud/PowerWeChat/v3": "an SDK that must work through wxsign",
		"github.com/chanxuehong/wechat":          "an SDK that must work through wxsign",
		"github.com/silenceper/wechat/v2":        "an SDK that must work through wxsign",
	},
}

// besideIndirect come along with beside, and not with the program.
const besideIndirect = `
github.com/ArtisanCloud/PowerLibs/v3
github.com/ArtisanCloud/PowerSocialite/v3
github.com/andybalholm/brotli
github.com/bradfitz/gomemcache
github.com/chanxuehong/rand
github.com/chanxuehong/util
github.com/clbanning/mxj/v2
github.com/dgryski/go-rendezvous
github.com/fatih/structs
github.com/go-playground/assert/v2
github.com/go-redis/redis/v8
github.com/klauspost/compress
github.com/kr/pretty
github.com/patrickmn/go-cache
github.com/pkg/errors
github.com/rogpeppe/go-internal
github.com/sirupsen/logrus
github.com/spf13/cast
github.com/stretchr/testify
github.com/tidwall/gjson
github.com/tidwall/match
github.com/tidwall/pretty
github.com/valyala/bytebufferpool
go.opentelemetry.io/otel
go.opentelemetry.io/otel/trace
go.uber.org/zap
gopkg.in/yaml.v2
gopkg.in/yaml.v3
`

// goMod is a go.mod as `go mod edit -json` tells it.
type goMod struct {
	Require []struct {
		Path     string
		Indirect bool
	}
	Replace []any
	Tool    []struct{ Path string }
}

func readGoMod(t *testing.T, dir string) (mod goMod) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	command.Dir = dir
	out, err := command.Output()
	if err == nil {
		err = json.Unmarshal(out, &mod)
	}
	if err != nil {
		t.Fatalf("%s: go mod edit -json: %v", dir, err)
	}
	if len(mod.Replace) > 0 {
		t.Errorf("%s: something is replaced by something else: %v", dir, mod.Replace)
	}
	return mod
}

func TestModulesBesideAreDecisions(t *testing.T) {
	t.Parallel()
	unused := map[string]bool{}
	for name := range strings.FieldsSeq(besideIndirect) {
		unused[name] = true
	}
	for dir, reasons := range beside {
		asked := map[string]string{}
		for _, m := range readGoMod(t, dir).Require {
			delete(unused, m.Path)
			along := slices.Contains(strings.Fields(indirect+besideIndirect), m.Path) || direct[m.Path] != ""
			switch {
			case !m.Indirect:
				asked[m.Path] = reasons[m.Path]
			case !along:
				t.Errorf("%s: %s is new: say so in modules_test.go, or do without it", dir, m.Path)
			}
		}
		if diff := cmp.Diff(reasons, asked); diff != "" {
			t.Errorf("%s asks for other modules than modules_test.go gives reasons for (-reasons +asked):\n%s", dir, diff)
		}
	}
	if len(unused) > 0 {
		t.Errorf("modules_test.go lists %v, which nobody needs any more", unused)
	}
}

// Of the tools only what they are is a decision: what comes along with a linter of
// linters, 200 modules, is held by go.sum alone.
func TestToolsAreDecisions(t *testing.T) {
	t.Parallel()
	mod := readGoMod(t, "tools")
	if len(mod.Tool) != 1 || mod.Tool[0].Path != "github.com/golangci/golangci-lint/v2/cmd/golangci-lint" {
		t.Errorf("tools: %v is not golangci-lint alone", mod.Tool)
	}
	for _, m := range mod.Require {
		if !m.Indirect {
			t.Errorf("tools: %s is not needed by a tool, and is used directly", m.Path)
		}
	}
}

// Every module is one of those above, and `make lint` checks each against its
// go.sum.
func TestNoModuleIsForgotten(t *testing.T) {
	t.Parallel()
	want := []string{".", "bench", "compat", "tools"}
	var found []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "bin" || entry.Name() == "dist" || entry.Name() == ".git"):
			return filepath.SkipDir
		case entry.Name() == "go.mod":
			found = append(found, filepath.Dir(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("modules (-listed +found):\n%s", diff)
	}
	if line := "MODULES := " + strings.Join(want, " "); !strings.Contains(readText(t, "Makefile"), line+"\n") {
		t.Errorf("the Makefile does not say %q", line)
	}
}
