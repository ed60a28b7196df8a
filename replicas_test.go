package main_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// Two variables turn the shipped file over to MySQL; the others only choose
// free ports. It runs in its folder, where the demo makes its key.
func TestShippedFileOnMariaDB(t *testing.T) {
	dsn := modeltest.MariaDB(t)
	p := newPlace(t, shipped(t), "WXSIGN_DATABASE_DRIVER=mysql", "WXSIGN_DATABASE_DSN="+dsn, "WXSIGN_SIMULATOR_LISTEN=127.0.0.1:0")
	t.Chdir(p.dir)
	s := p.startReady(t)
	page := s.listen + "/demo/share"
	s.sign(page, s.simulator)
	s.waitReady(http.StatusOK, "ok")
	if info, err := os.Stat(filepath.Join(p.dir, "wxsign.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the demo's key file: %v, %v", info, err)
	}
	if code, stdout, stderr := p.run(t, "sign", "--url", page); code != 0 || !strings.Contains(stdout, page) {
		t.Errorf("sign: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	s.end()
	again := p.startReady(t)
	again.sign(again.listen+"/demo/share", again.simulator)
}

// production is a configuration without simulator.
func production(dsn string) []string {
	return []string{
		"WXSIGN_DATABASE_DRIVER=mysql", "WXSIGN_DATABASE_DSN=" + dsn,
		"WXSIGN_ACCOUNT_0_APP_ID=" + demoApp, "WXSIGN_ACCOUNT_0_SECRET=" + demoSecret, "WXSIGN_ACCOUNT_0_DOMAINS=h5.example.com",
	}
}

const oneAccount = "[[account]]\napp_id = \"x\"\nsecret = \"x\"\ndomains = [\"x.example.com\"]\n"

func TestProductionNeedsAMasterKey(t *testing.T) {
	t.Parallel()
	p := newPlace(t, oneAccount, production("wxsign:hunter2@tcp(127.0.0.1:1)/wxsign")...)
	code, stdout, stderr := p.run(t)
	if code != 1 || stdout != "" {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
	for _, mend := range []string{"WXSIGN_SECURITY_MASTER_KEY", "`wxsign master-key new`"} {
		if !strings.Contains(stderr, mend) {
			t.Errorf("stderr does not name %s: %q", mend, stderr)
		}
	}
	if strings.Contains(stderr, "hunter2") || strings.Contains(stderr, demoSecret) {
		t.Errorf("a secret in %q", stderr)
	}
	if files, err := os.ReadDir(p.dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestWrongMasterKeyChangesNothing(t *testing.T) {
	t.Parallel()
	dsn := modeltest.MariaDB(t)
	sim := startSimulator(t, simulator.Account{})
	at := func(key string) *place {
		return newPlace(t, oneAccount, append(production(dsn), "WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+key)...)
	}
	right, wrong := newKey(t), newKey(t)
	s := at(right).startReady(t)
	s.sign(page, sim.URL)
	s.end()
	before := checksums(t, dsn)

	for _, command := range [][]string{{"serve"}, {"sign", "--url", page}} {
		code, stdout, stderr := at(wrong).run(t, command...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, "security.master_key is not the key that this database was written with") ||
			strings.Contains(stderr, wrong) || strings.Contains(stderr, right) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", command[0], code, stdout, stderr)
		}
	}
	if diff := cmp.Diff(before, checksums(t, dsn)); diff != "" {
		t.Errorf("the database was changed: %s", diff)
	}
	at(wrong+"\n"+right).startReady(t).sign(page, sim.URL) // a new key with the old one beside it
}

// Nobody has the key any more: it is given up by its id, tokens are fetched anew,
// and the AppSecret comes from the configuration.
func TestLostMasterKey(t *testing.T) {
	t.Parallel()
	dsn := modeltest.MariaDB(t)
	sim := startSimulator(t, simulator.Account{})
	at := func(key string) *place {
		return newPlace(t, oneAccount, append(production(dsn), "WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+key)...)
	}
	s := at(newKey(t)).startReady(t)
	s.sign(page, sim.URL)

	next := at(newKey(t))
	code, listed, stderr := next.run(t, "master-key", "lost")
	lost, state, _ := strings.Cut(strings.SplitN(listed, "\n", 2)[0], "  ")
	if code != 0 || len(lost) != 8 || state != "not in security.master_key" || !strings.Contains(listed, "Replicas that run now") {
		t.Fatalf("exit code %d: %q, %q", code, listed, stderr)
	}
	// Regression: a key was given up while a replica had it.
	if code, _, stderr := next.run(t, "master-key", "lost", lost); code != 1 || !strings.Contains(stderr, "--replicas-ended") {
		t.Errorf("while a replica has the key: exit code %d: %s", code, stderr)
	}
	s.end()
	for _, wrong := range []string{"0badcafe", lost + "0"} {
		if code, _, stderr := next.run(t, "master-key", "lost", wrong); code != 1 || !strings.Contains(stderr, "knows no master key") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	}
	if code, stdout, stderr := next.run(t, "master-key", "lost", lost); code != 0 || !strings.Contains(stdout, "Given up: "+lost) {
		t.Fatalf("exit code %d: %q, %q", code, stdout, stderr)
	}
	s = next.startReady(t) // which has the keys of the command, and so does not hinder it
	s.sign(page, sim.URL)
	if _, listed, _ = next.run(t, "master-key", "lost"); strings.Contains(listed, "Replicas that run now") {
		t.Errorf("beside a replica with the same key: %q", listed)
	}
	s.end()

	mine, _, _ := strings.Cut(listed, "  ")
	if code, _, stderr := next.run(t, "master-key", "lost", mine); code != 1 || !strings.Contains(stderr, "is not lost") {
		t.Errorf("a key that is here was given up: exit code %d: %s", code, stderr)
	}
}

// The file with the key is gone, as it happens with SQLite: serve makes none over
// an old database, and the command says what comes first.
func TestLostMasterKeyFile(t *testing.T) {
	t.Parallel()
	p := shippedPlace(t)
	p.startReady(t).end()
	path := p.database(t, "wxsign.key")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := p.run(t); code != 1 || !strings.Contains(stderr, "`wxsign master-key lost`") {
		t.Errorf("serve: exit code %d: %s", code, stderr)
	}
	if code, _, stderr := p.run(t, "master-key", "lost"); code != 1 || !strings.Contains(stderr, "wxsign master-key new >"+path) {
		t.Errorf("without a key: exit code %d: %s", code, stderr)
	}
	if err := os.WriteFile(path, []byte(newKey(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, listed, _ := p.run(t, "master-key", "lost")
	lost, _, _ := strings.Cut(listed, "  ")
	if code, stdout, stderr := p.run(t, "master-key", "lost", lost); code != 0 || !strings.Contains(stdout, "Given up: "+lost) {
		t.Fatalf("exit code %d: %q, %q", code, stdout, stderr)
	}
	s := p.startReady(t)
	s.sign(s.listen+"/demo/share", s.simulator)
}

// page is on the domain of the tests' account.
const page = "https://h5.example.com/act?id=1&from=timeline"

func newKey(t testing.TB) string {
	t.Helper()
	_, key, _ := newPlace(t, "").run(t, "master-key", "new")
	return strings.TrimSpace(key)
}

// startSimulator pretends WeChat with the tests' account; a may change it.
func startSimulator(t testing.TB, a simulator.Account) *simtest.Server {
	t.Helper()
	a.AppID, a.Secret, a.Domains = demoApp, demoSecret, []string{"h5.example.com"}
	return simtest.Start(t, simulator.Options{Accounts: []simulator.Account{a}})
}

// checksums are those of all tables by name.
func checksums(t testing.TB, dsn string) map[string]int64 {
	t.Helper()
	connector, err := mysql.MySQLDriver{}.OpenConnector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	var tables []string
	rows, err := db.QueryContext(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil || len(tables) < 4 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	sums := map[string]int64{}
	for _, name := range tables {
		var full string
		var sum sql.NullInt64
		if err := db.QueryRowContext(t.Context(), fmt.Sprintf("CHECKSUM TABLE `%s`", name)).Scan(&full, &sum); err != nil || !sum.Valid {
			t.Fatalf("checksum of %s: %v", name, err)
		}
		sums[name] = sum.Int64
	}
	return sums
}

// ledger is what the simulator counts.
type ledger struct {
	Totals map[string]struct {
		Calls, OK, Failed int
	} `json:"totals"`
}

func calls(t testing.TB, sim *simtest.Server) map[string]int {
	t.Helper()
	var l ledger
	sim.Control(t, http.MethodGet, "/_sim/ledger", nil, &l)
	counted := map[string]int{}
	for path, total := range l.Totals {
		counted[path] = total.Calls
	}
	return counted
}

// Three replicas begin at once on an empty database: the schema is made once,
// and WeChat is asked once for each credential.
func TestThreeReplicasAtOnce(t *testing.T) {
	t.Parallel()
	dsn, sim, key := modeltest.MariaDB(t), startSimulator(t, simulator.Account{}), newKey(t)
	var replicas []*server
	for range 3 {
		p := newPlace(t, oneAccount, append(production(dsn), "WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+key,
			"WXSIGN_ACCOUNT_0_TICKETS=jsapi,wx_card")...)
		replicas = append(replicas, p.start(t))
	}
	for _, s := range replicas {
		s.waitLog("wxsign is ready")
		s.sign(page, sim.URL)
		s.waitReady(http.StatusOK, "ok")
	}
	replicas[0].wait("the wx_card ticket", func() bool { return calls(t, sim)["/cgi-bin/ticket/getticket"] >= 2 })
	want := map[string]int{"/cgi-bin/stable_token": 1, "/cgi-bin/ticket/getticket": 2}
	if diff := cmp.Diff(want, calls(t, sim)); diff != "" {
		t.Errorf("calls to WeChat: %s", diff)
	}
	for i, s := range replicas {
		if text := s.log.String(); strings.Contains(text, "level=ERROR") || strings.Contains(text, "level=WARN") {
			t.Errorf("replica %d:\n%s", i, text)
		}
	}
	replicas[0].end() // the others serve on
	replicas[1].sign(page, sim.URL)
	replicas[2].sign(page, sim.URL)
}

// One replica has the simulator inside, two others are pointed at it.
func TestReplicasOfTheShippedFile(t *testing.T) {
	t.Parallel()
	dsn, key := modeltest.MariaDB(t), newKey(t)
	shared := []string{
		"WXSIGN_DATABASE_DRIVER=mysql", "WXSIGN_DATABASE_DSN=" + dsn, "WXSIGN_SECURITY_MASTER_KEY=" + key, "WXSIGN_DEMO_ENABLED=false",
		"WXSIGN_ACCOUNT_0_DOMAINS=h5.example.com", "WXSIGN_SIMULATOR_ACCOUNT_0_DOMAINS=h5.example.com",
	}
	first := newPlace(t, shipped(t), append(shared, "WXSIGN_SIMULATOR_LISTEN=127.0.0.1:0")...).start(t)
	first.waitLog("wxsign is ready") // from now on it forgets nothing that its simulator issued
	all := []*server{first}
	others := append(shared, "WXSIGN_SIMULATOR_ENABLED=false", "WXSIGN_WECHAT_BASE_URL="+first.simulator)
	for range 2 {
		all = append(all, newPlace(t, shipped(t), others...).start(t))
	}
	for _, s := range all {
		s.sign(page, first.simulator)
		s.waitReady(http.StatusOK, "ok")
	}
	status, body, _ := first.get(first.simulator, "/_sim/ledger?path=/cgi-bin/stable_token")
	if status != http.StatusOK || !strings.Contains(body, `"calls":1,`) {
		t.Errorf("more than one token call: %s", body)
	}
}

// Two replicas with different settings undo each other's work, and so do two
// with different keys; the latter do not even start. Each says so of the other,
// once it has seen it.
func TestReplicasWithDifferentSettings(t *testing.T) {
	t.Parallel()
	sim, dsn, key := startSimulator(t, simulator.Account{}), modeltest.MariaDB(t), newKey(t)
	env := append(production(dsn), "WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+key)
	one := newPlace(t, oneAccount, env...).startReady(t)
	like := newPlace(t, oneAccount, append(env, "WXSIGN_DATABASE_MAX_OPEN=5")...).startReady(t)
	const words = "another replica has a different configuration"
	if text := like.log.String(); strings.Contains(text, words) {
		t.Errorf("what each process has for itself counts:\n%s", text)
	}
	other := newPlace(t, oneAccount, append(env, "WXSIGN_REFRESH_STABLE_MARGIN=200s")...).startReady(t)
	other.waitLog(words)
	one.waitLog(words)
}
