package chaos_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

// The timing of all clusters: lives of two minutes, and a lease that is as short
// as the time-out of a call allows.
const (
	credentialLife = 120 * time.Second
	lease          = 18 * time.Second
	callTimeout    = 2 * time.Second
)

// plan says what a cluster is made of.
type plan struct {
	nodes    []string // DSNs, straight to the database; replicas take them in turns
	sqlite   string   // path of a file, instead of nodes; for one replica
	replicas int
	stable   int // accounts
	classic  int
	// wechat holds the knobs of the simulator; its accounts are filled in.
	wechat simulator.Options
	// settings are added to the replicas' environment, own to that of each, in turn.
	settings []string
	own      [][]string
	// oneDoor has all replicas go to WeChat by the first one's door: then their
	// settings are equal but for those that are their own.
	oneDoor bool
}

// cluster is replicas on one database before one simulator.
type cluster struct {
	t        *testing.T
	sim      *simulator.Simulator
	truth    *truth
	db       *sql.DB
	nowMs    string // SQL for the database's clock
	replicas []*replica
	appIDs   []string
}

const appSecret = "the-simulator-checks-this-secret"

// newCluster makes everything and starts nothing.
func newCluster(t *testing.T, p plan) *cluster {
	t.Helper()
	c := &cluster{t: t}
	for i := range p.stable + p.classic {
		appID := fmt.Sprintf("wxchaos%09d", i)
		c.appIDs = append(c.appIDs, appID)
		p.wechat.Accounts = append(p.wechat.Accounts, simulator.Account{AppID: appID, Secret: appSecret, Domains: []string{"h5.example.com"}})
	}
	if p.wechat.CredentialLife == 0 {
		p.wechat.CredentialLife = credentialLife
	}
	p.wechat.LedgerSize = 1 << 20
	p.wechat.Limits = simulator.Limits{TokenDay: -1, TokenMinute: -1, TicketDay: -1}
	var err error
	if c.sim, err = simulator.New(p.wechat); err != nil {
		t.Fatal(err)
	}
	c.truth = newTruth(t, c.sim)
	for i, appID := range c.appIDs {
		c.truth.classic[appID] = i >= p.stable
	}
	if c.db, c.nowMs = openSQLite(t, p.sqlite), sqliteNowMs; p.sqlite == "" {
		c.db, c.nowMs = open(t, p.nodes[0]), mysqlNowMs
	}
	c.addReplicas(p)
	return c
}

// open is a way to the database that no fault touches.
func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.InterpolateParams, config.Logger = true, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (c *cluster) addReplicas(p plan) {
	c.t.Helper()
	dir := c.t.TempDir()
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, []byte(c.accounts()), 0o600); err != nil {
		c.t.Fatal(err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	for i := range p.replicas {
		r := &replica{t: c.t, name: fmt.Sprint("replica ", i), program: binary, config: config}
		if r.door = newDoor(c.t, c.sim); p.oneDoor && i > 0 {
			r.door = c.replicas[0].door
		}
		driver, dsn := "sqlite", p.sqlite
		if p.sqlite == "" {
			driver = "mysql"
			r.db, dsn = modeltest.NewProxyFor(c.t, p.nodes[i%len(p.nodes)])
		}
		r.log = &journal{address: r.setBase}
		r.env = append([]string{
			"PATH=" + os.Getenv("PATH"),
			"WXSIGN_SERVER_LISTEN=127.0.0.1:0", "WXSIGN_SERVER_RATE_PER_ADDRESS=0", "WXSIGN_OPS_LISTEN=",
			"WXSIGN_DATABASE_DRIVER=" + driver, "WXSIGN_DATABASE_DSN=" + dsn,
			"WXSIGN_SECURITY_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key),
			"WXSIGN_WECHAT_BASE_URL=" + r.door.server.URL, "WXSIGN_WECHAT_TIMEOUT=" + callTimeout.String(),
			"WXSIGN_WECHAT_CONNECT_TIMEOUT=500ms", "WXSIGN_REFRESH_SCAN=@every 1s", "WXSIGN_REFRESH_LEASE=" + lease.String(),
			"WXSIGN_REFRESH_JITTER=10s", "WXSIGN_REFRESH_MIN_INTERVAL=5s",
		}, p.settings...)
		if len(p.own) > 0 {
			r.env = append(r.env, p.own[i%len(p.own)]...)
		}
		c.replicas = append(c.replicas, r)
		c.t.Cleanup(r.kill)
	}
}

// accounts is the configuration that all replicas share.
func (c *cluster) accounts() string {
	var text strings.Builder
	for _, appID := range c.appIDs {
		mode := "stable"
		if c.truth.classic[appID] {
			mode = "classic"
		}
		fmt.Fprintf(&text, "[[account]]\napp_id = %q\nsecret = %q\ntoken_mode = %q\ndomains = [\"h5.example.com\"]\n", appID, appSecret, mode)
	}
	return text.String()
}

// starting lets a few clusters start at a time: thirty at once would all be late.
var starting = make(chan struct{}, 4)

// start starts every replica and waits until all of them sign for all accounts.
func (c *cluster) start() {
	c.t.Helper()
	starting <- struct{}{}
	defer func() { <-starting }()
	for _, r := range c.replicas {
		r.start()
	}
	c.waitReady(startTime)
}

// startTime is how long a start, or what else has no time of its own, may take on
// a machine with much else to do.
const startTime = 2 * time.Minute

func (c *cluster) waitReady(limit time.Duration) {
	c.t.Helper()
	for _, r := range c.replicas {
		ready := waitFor(limit, func() bool { return r.base() != "" && c.signsAll(r) || len(r.unordered()) > 0 })
		c.holdQuiet()
		if !ready {
			c.t.Fatalf("%s does not sign within %s; its log:\n%s", r.name, limit, r.log.tail(30))
		}
	}
}

func (c *cluster) targets() []target {
	all := make([]target, len(c.replicas))
	for i, r := range c.replicas {
		all[i] = r
	}
	return all
}

// signsAll reports whether the replica signs for every account, rightly.
func (c *cluster) signsAll(r *replica) bool {
	p := probe(c.t, c.truth, []target{r}, c.appIDs, 0, 0)
	defer p.end()
	for n, appID := range c.appIDs {
		if base := r.base(); base != "" {
			p.once(c.t.Context(), r, base, appID, n)
		}
	}
	return int(p.valid.Load()) == len(c.appIDs)
}

// holdQuiet fails the test where a process ended by itself or panicked.
func (c *cluster) holdQuiet() {
	c.t.Helper()
	for _, r := range c.replicas {
		for _, crash := range r.unordered() {
			c.t.Error(crash)
		}
		for _, line := range r.log.alarmed() {
			c.t.Errorf("%s: %s", r.name, line)
		}
	}
}
