package main_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wxsign/wxsign"

// room says what one package may import of ours. Paths are relative to the
// module; "." is main.
type room struct {
	imports string // what ships
	tests   string // what its _test.go files may import besides; kit is always open to them
}

// kit is what any test may use, and nothing that ships.
const kit = "model/modeltest service/simulator/simtest"

// rooms are the arrows of the house: main → cli → router → handler → service →
// model → migrations. A new package gets its line here, and a new arrow its
// reason in docs/adr/.
var rooms = map[string]room{
	".":      {imports: "cli", tests: "handler router service/publish/redistest service/schedule service/secret service/simulator"},
	"cli":    {imports: "router handler web model migrations " + services, tests: "service/publish/redistest"},
	"router": {imports: "handler service/panics web", tests: "service/keeper service/pageurl service/secret service/signature service/snapshot"},
	"handler": {
		imports: "docs service/account service/account/rules service/alert service/apikey service/audit service/auth service/deadline service/fleet service/history service/keeper service/outbox service/pageurl service/qa service/relay service/signature web",
		tests:   "model service/secret service/simulator service/snapshot service/wechat",
	},

	"service/keeper":    {imports: "model service/pageurl service/panics service/secret service/snapshot service/wechat", tests: "service/schedule service/signature service/simulator"},
	"service/doctor":    {imports: "model service/config service/secret service/wechat", tests: "service/simulator"},
	"service/auth":      {imports: "model service/audit service/purge service/secret"},
	"service/audit":     {imports: "model"},
	"service/alert":     {imports: "model service/audit service/outbound service/outbox service/purge service/secret service/webhook"},
	"service/apikey":    {imports: "model service/audit service/secret"},
	"service/relay":     {imports: "service/secret", tests: "service/simulator"},
	"service/rekey":     {imports: "model service/account service/keeper service/secret"},
	"service/account":   {imports: "model service/account/rules service/audit service/secret"},
	"service/fleet":     {imports: "model"},
	"service/history":   {imports: "model", tests: "service/secret"},
	"service/outbox":    {imports: "model service/audit service/panics service/purge"},
	"service/publish":   {imports: "service/panics service/secret service/snapshot", tests: "service/publish/redistest"},
	"service/webhook":   {imports: "model service/outbound service/outbox service/secret service/snapshot"},
	"service/qa":        {imports: "model", tests: "service/secret"},
	"service/metrics":   {imports: "model service/snapshot", tests: "service/secret"},
	"service/signature": {imports: "service/pageurl service/secret service/snapshot"},
	"service/snapshot":  {imports: "service/pageurl service/secret"},
	"service/config":    {imports: "service/account/rules service/pageurl service/secret"},
	"service/wechat":    {imports: "service/secret", tests: "service/simulator"},

	"service/account/rules": {imports: "service/pageurl"},
	"service/snapshotfile":  {imports: "service/pageurl service/secret service/snapshot"},

	"service/deadline":  {},
	"service/purge":     {imports: "model"},
	"service/outbound":  {},
	"service/pageurl":   {},
	"service/panics":    {},
	"service/schedule":  {imports: "service/panics"},
	"service/secret":    {},
	"service/simulator": {}, // nor may it share the client's mistakes
	"docs":              {},
	"migrations":        {},
	"web":               {},

	"model":           {imports: "migrations service/secret"},
	"model/modeltest": {imports: "migrations model service/secret"},
	"deploy":          {tests: "cli"},

	"scripts/pictures":         {},
	"scripts/release":          {imports: "scripts/release/artifact"},
	"scripts/release/artifact": {},

	"e2e":                {tests: "cli service/simulator"},
	"attack":             {tests: "service/simulator"},
	"chaos":              {tests: "model service/simulator"},
	"router/controltest": {tests: "handler model router service/apikey service/audit service/deadline service/keeper service/pageurl service/qa service/secret service/signature service/simulator service/snapshot service/wechat web"},
	"router/paneltest":   {tests: "handler model router service/account service/alert service/apikey service/audit service/auth service/outbox service/fleet service/history service/keeper service/secret service/wechat service/pageurl service/qa service/signature service/snapshot web"},

	"service/publish/redistest": {},
	"service/simulator/simtest": {imports: "service/simulator"},
}

// services are all packages below service.
const services = "service/account service/account/rules service/alert service/apikey service/audit service/auth service/config service/deadline service/doctor service/fleet service/history service/keeper service/metrics service/outbound service/outbox service/pageurl service/panics " +
	"service/publish service/purge service/qa service/rekey service/relay service/schedule service/secret service/signature service/simulator service/snapshot service/snapshotfile service/wechat service/webhook"

// foreign are packages of others that have a home, besides which only tests may
// use them. service/config parses what their homes will be given.
var foreign = map[string]string{
	"gorm.io/":                             "model",
	"github.com/glebarez/":                 "model",
	"github.com/go-sql-driver/mysql":       "model model/modeltest service/config",
	"github.com/pressly/goose":             "model",
	"github.com/robfig/cron":               "service/schedule service/config",
	"github.com/prometheus/client_golang/": "service/metrics",
	"github.com/redis/":                    "service/publish",
	"github.com/pelletier/go-toml":         "service/config",
	"github.com/gin-gonic/gin":             "router handler",
}

// arrow is one import: which package, in which file, of what.
type arrow struct {
	from, file, to string
}

func (a arrow) inTest() bool { return strings.HasSuffix(a.file, "_test.go") }

func TestImportsFollowTheMap(t *testing.T) {
	t.Parallel()
	for _, a := range arrows(t) {
		allowed, listed := rooms[a.from]
		to, ours := strings.CutPrefix(a.to, module)
		to = path.Clean(strings.TrimPrefix(to, "/"))
		switch {
		case !listed: // TestEveryPackageHasARoom says so once
		case !ours:
			checkForeign(t, a)
		case a.inTest():
			if to != a.from && !oneOf(to, allowed.imports, allowed.tests, kit) {
				t.Errorf("%s: a test of %s may not import %s", a.file, a.from, to)
			}
		case !oneOf(to, allowed.imports):
			t.Errorf("%s: wrong arrow: %s → %s; %s may import: %s", a.file, a.from, to, a.from, orNothing(allowed.imports))
		}
	}
}

func checkForeign(t *testing.T, a arrow) {
	t.Helper()
	for prefix, homes := range foreign {
		if strings.HasPrefix(a.to, prefix) && !a.inTest() && !oneOf(a.from, homes) {
			t.Errorf("%s: wrong arrow: %s → %s, which only %s may import", a.file, a.from, a.to, homes)
		}
	}
}

func TestEveryPackageHasARoom(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, a := range arrows(t) {
		found[a.from] = true
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if _, listed := rooms[name]; !listed {
			t.Errorf("package %s is not in the map of imports_test.go: which arrows may it have?", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rooms)) {
		if !found[name] {
			t.Errorf("imports_test.go lists %s, which is not there", name)
		}
	}
}

// The hot path answers when network and database are down, because it could not
// reach them if it wanted to.
func TestSignatureLinksNoNetworkAndNoDatabase(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./service/signature").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, module+"/service/signature") {
		t.Fatalf("go list did not list the package itself: %q", deps)
	}
	for _, forbidden := range []string{"net", "net/http", "database/sql"} {
		if slices.Contains(deps, forbidden) {
			t.Errorf("service/signature links %s", forbidden)
		}
	}
}

// arrows reads the imports of every Go file of this module. It opens the files
// itself, so that go test knows when a cached result is out of date.
func arrows(t *testing.T) []arrow {
	t.Helper()
	var all []arrow
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && outside(name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		all = append(all, arrow{from: path.Dir(name), file: name}) // a file without imports is one, too
		for _, spec := range parsed.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			all = append(all, arrow{from: path.Dir(name), file: name, to: to})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// outside tells folders that go build does not see either: hidden ones, test
// data, Node's, and modules of their own.
func outside(dir string) bool {
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return true
	}
	_, err := os.Stat(path.Join(dir, "go.mod"))
	return err == nil
}

// oneOf looks for name in lists of words.
func oneOf(name string, lists ...string) bool {
	return slices.Contains(strings.Fields(strings.Join(lists, " ")), name)
}

func orNothing(list string) string {
	if list == "" {
		return "nothing of ours"
	}
	return list
}
