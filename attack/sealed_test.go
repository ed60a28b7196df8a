package attack_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// fleet is some accounts, at a WeChat of their own.
type fleet struct {
	sim  *simtest.Server
	apps []string
	env  []string // what makes wxsign keep them
}

func newFleet(t testing.TB, accounts int) *fleet {
	t.Helper()
	f := &fleet{}
	var options simulator.Options
	for i := range accounts {
		app, prefix := fmt.Sprintf("wx%016d", i), fmt.Sprintf("WXSIGN_ACCOUNT_%d_", i)
		f.apps = append(f.apps, app)
		options.Accounts = append(options.Accounts, simulator.Account{AppID: app, Secret: secretOf(app), Domains: []string{host(app)}})
		f.env = append(f.env, prefix+"APP_ID="+app, prefix+"SECRET="+secretOf(app), prefix+"DOMAINS="+host(app))
	}
	f.sim = simtest.Start(t, options)
	f.env = append(f.env, "WXSIGN_WECHAT_BASE_URL="+f.sim.URL, "WXSIGN_REFRESH_SCAN=@every 1s")
	return f
}

func secretOf(app string) string { return "app-secret-of-" + app }

func host(app string) string { return app + ".example.com" }

// none is a configuration of production without an account; they come by the
// environment.
const none = "[demo]\nenabled = false\n"

// signsRightly asks for a signature of an account's page and reports whether there
// is one; one that WeChat does not take ends the test.
func (f *fleet) signsRightly(t testing.TB, s *server, app string) bool {
	t.Helper()
	target := "https://" + host(app) + "/"
	status, c := s.sign(app, target)
	if status != http.StatusOK {
		return false
	}
	var verdict struct {
		OK bool `json:"ok"`
	}
	f.sim.Control(t, http.MethodPost, "/_sim/verify", map[string]any{
		"appid": c.AppID, "noncestr": c.NonceStr, "timestamp": c.Timestamp, "signature": c.Signature, "urls": []string{target},
	}, &verdict)
	if !verdict.OK {
		t.Fatalf("%s was signed with a ticket that is not its own: %+v", app, c)
	}
	return true
}

func (f *fleet) wait(t testing.TB, s *server) {
	t.Helper()
	for _, app := range f.apps {
		waitFor(t, "a signature for "+app, func() bool { return f.signsRightly(t, s, app) })
	}
}

// Who can write the database puts the sealed values of one account in the place
// of another's: nothing is signed with what is not the account's own, its trouble
// is shown, the other accounts go on, and a start fetches what it cannot use.
func TestSwappedEnvelopes(t *testing.T) {
	t.Parallel()
	const victim, donor, bystander = 0, 1, 2
	for name, swap := range map[string]string{
		"tickets of two accounts": "UPDATE credential SET value_enc=(SELECT d.value_enc FROM credential d WHERE d.app_id='%[2]s' AND d.kind='jsapi'), publish_id='moved', version=version+1, updated_ms=updated_ms+1000 WHERE app_id='%[1]s' AND kind='jsapi'",
		"token as ticket":         "UPDATE credential SET value_enc=(SELECT d.value_enc FROM credential d WHERE d.app_id='%[1]s' AND d.kind='access_token'), publish_id='moved', version=version+1, updated_ms=updated_ms+1000 WHERE app_id='%[1]s' AND kind='jsapi'",
		"whole publication":       "UPDATE credential SET value_enc=(SELECT d.value_enc FROM credential d WHERE d.app_id='%[2]s' AND d.kind='jsapi'), publish_id=(SELECT d.publish_id FROM credential d WHERE d.app_id='%[2]s' AND d.kind='jsapi'), version=version+1, updated_ms=updated_ms+1000 WHERE app_id='%[1]s' AND kind='jsapi'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 3)
			p := newPlace(t, none, append(f.env, "WXSIGN_REFRESH_MIN_INTERVAL=1s")...)
			s := p.serve()
			f.wait(t, s)
			db := p.open()
			statement := fmt.Sprintf(swap, f.apps[victim], f.apps[donor])
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the trouble", func() bool { return inTrouble(t, s, f.apps[victim]) })
			for _, app := range f.apps { // what was served before goes on
				if !f.signsRightly(t, s, app) {
					t.Errorf("%s is not signed for any more", app)
				}
			}
			s.stop()

			asked := f.ticketCalls(t)
			again := p.serve() // with nothing in memory
			waitFor(t, "a signature for the bystander", func() bool { return f.signsRightly(t, again, f.apps[bystander]) })
			// The victim's is not used but fetched anew at once, with one call for the
			// ticket, although WeChat gives the same one again.
			waitFor(t, "a signature for the victim", func() bool { return f.signsRightly(t, again, f.apps[victim]) })
			waitFor(t, "the history of it", func() bool {
				var rows int
				err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM history WHERE app_id=? AND outcome='failed' AND errmsg LIKE '%cannot be opened%'",
					f.apps[victim]).Scan(&rows)
				return err == nil && rows > 0
			})
			if got := f.ticketCalls(t); got > asked+1 {
				t.Errorf("it cost %d calls", got-asked)
			}
		})
	}
}

// ticketCalls counts the calls for a ticket that WeChat has got.
func (f *fleet) ticketCalls(t testing.TB) int {
	t.Helper()
	var ledger struct {
		Totals map[string]struct{ Calls int } `json:"totals"`
	}
	f.sim.Control(t, http.MethodGet, "/_sim/ledger", nil, &ledger)
	return ledger.Totals["/cgi-bin/ticket/getticket"].Calls
}

// inTrouble reports whether operators see trouble of an account.
func inTrouble(t testing.TB, s *server, app string) bool {
	t.Helper()
	var ready struct {
		Troubles []struct {
			AppID string `json:"app_id"`
			Text  string `json:"text"`
		} `json:"troubles"`
	}
	_, body := s.get(s.ops + "/readyz")
	if err := json.Unmarshal([]byte(body), &ready); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, trouble := range ready.Troubles {
		if trouble.AppID == app && strings.Contains(trouble.Text, "master key") {
			return true
		}
	}
	return false
}

// A change of the master key, killed at any row: with both keys everything opens,
// replicas sign all the while, and the run that is let go on ends it. On MariaDB
// each kill comes while exactly that row is waited for.
func TestMasterKeyRotateKilled(t *testing.T) {
	t.Parallel()
	const accounts = 5
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		dsn := modeltest.MariaDB(t)
		connector, err := mysql.MySQLDriver{}.OpenConnector(dsn)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		t.Cleanup(func() { _ = db.Close() })
		r := newRotation(t, accounts, db, "WXSIGN_DATABASE_DRIVER=mysql", "WXSIGN_DATABASE_DSN="+dsn)
		for _, app := range r.fleet.apps { // in the order in which the command goes along them
			r.killAtLock(t, "account WHERE app_id='"+app+"'")
		}
		for _, app := range r.fleet.apps {
			r.killAtLock(t, "credential WHERE app_id='"+app+"' AND kind='access_token'")
			r.killAtLock(t, "credential WHERE app_id='"+app+"' AND kind='jsapi'")
		}
		r.finish(t)
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		r := newRotation(t, accounts, nil)
		for pause := time.Duration(0); pause < 300*time.Millisecond; pause += 20 * time.Millisecond {
			cmd := r.rotator().command(t.Context(), "master-key", "rotate")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pause) // where it is then, luck decides; every place must do
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			r.check(t)
		}
		r.finish(t)
	})
}

// rotation is a wxsign that serves with both keys, the old one first, while the
// command seals with the new one.
type rotation struct {
	fleet    *fleet
	place    *place
	db       *sql.DB
	old, new string
	serving  *server
}

func newRotation(t *testing.T, accounts int, db *sql.DB, env ...string) *rotation {
	t.Helper()
	r := &rotation{fleet: newFleet(t, accounts)}
	r.place = newPlace(t, none, append(r.fleet.env, env...)...)
	r.old, r.new = r.place.run("master-key", "new"), r.place.run("master-key", "new")
	if r.db = db; db == nil {
		r.db = r.place.open()
	}
	r.serving = r.place.with("WXSIGN_SECURITY_MASTER_KEY=" + r.old + "\n" + r.new).serve()
	r.fleet.wait(t, r.serving)
	return r
}

// rotator is where the command runs.
func (r *rotation) rotator() *place {
	return r.place.with("WXSIGN_SECURITY_MASTER_KEY=" + r.new + "\n" + r.old)
}

// killAtLock lets the command come as far as a row that somebody else holds, and
// kills it there.
func (r *rotation) killAtLock(t *testing.T, row string) {
	t.Helper()
	tx, err := r.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var id string
	if err := tx.QueryRowContext(t.Context(), "SELECT app_id FROM "+row+" FOR UPDATE").Scan(&id); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); !r.killWaiting(t); {
		if time.Since(begin) > patience {
			t.Fatalf("the command never came to %s", row)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	r.check(t)
}

// killWaiting starts the command and kills it while it waits for a row; false: it
// gave up waiting before that was seen.
func (r *rotation) killWaiting(t *testing.T) bool {
	t.Helper()
	cmd, ended := r.rotator().command(t.Context(), "master-key", "rotate"), make(chan struct{})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	defer func() {
		_ = cmd.Process.Kill()
		<-ended
	}()
	for {
		var waiting int
		err := r.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM information_schema.processlist
WHERE db=DATABASE() AND (info LIKE 'UPDATE%value_enc%' OR info LIKE 'UPDATE%secret_enc%')`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting > 0 {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// check holds that everything opens with both keys, and that pages are signed.
func (r *rotation) check(t *testing.T) {
	t.Helper()
	for _, app := range r.fleet.apps {
		if !r.fleet.signsRightly(t, r.serving, app) {
			t.Fatalf("%s is not signed for", app)
		}
		if out := r.rotator().run("sign", "--app-id", app, "--url", "https://"+host(app)+"/"); !strings.Contains(out, app) {
			t.Fatalf("the stored ticket of %s does not open: %s", app, out)
		}
	}
}

// finish lets the command come to its end, after which the new key is enough.
func (r *rotation) finish(t *testing.T) {
	t.Helper()
	out := r.rotator().run("master-key", "rotate")
	if !strings.Contains(out, "are sealed with key id") {
		t.Fatalf("rotate says %s", out)
	}
	r.fleet.wait(t, r.serving)
	r.serving.stop()
	asked := r.calls(t)
	fresh := r.place.with("WXSIGN_SECURITY_MASTER_KEY=" + r.new).serve()
	r.fleet.wait(t, fresh)
	if got := r.calls(t); got != asked {
		t.Errorf("the new key alone cost %d calls to WeChat: something stored does not open", got-asked)
	}
}

// calls counts the calls to WeChat.
func (r *rotation) calls(t *testing.T) int64 {
	t.Helper()
	var ledger struct {
		LastSeq int64 `json:"last_seq"`
	}
	r.fleet.sim.Control(t, http.MethodGet, "/_sim/ledger", nil, &ledger)
	return ledger.LastSeq
}
