package main_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

func TestDatabaseDownAtTheStart(t *testing.T) {
	t.Parallel()
	database, sim := modeltest.MariaDBServer(t), startSimulator(t, simulator.Account{})
	database.Stop()
	s := onDatabase(t, database, sim).start(t)
	if status, body, _ := s.get(s.listen, "/healthz"); status != http.StatusOK {
		t.Errorf("healthz: status %d, %s", status, body)
	}
	s.waitReady(http.StatusServiceUnavailable, "unavailable", "starting")
	for _, asked := range []string{page, "https://of-nobody-yet.example.com/"} {
		if status, c := s.ask(asked); status != http.StatusServiceUnavailable || c.Code != "ticket_not_ready" {
			t.Errorf("%s: status %d, code %s", asked, status, c.Code)
		}
	}
	s.waitLog("the database does not answer; trying again. Check database.dsn")
	if strings.Contains(s.log.String(), "wxsign is ready") {
		t.Errorf("it says that it is ready:\n%s", s.log)
	}
	database.Start()
	s.waitLog("wxsign is ready")
	s.sign(page, sim.URL)
	s.waitReady(http.StatusOK, "ok")
	if status, c := s.ask("https://of-nobody-yet.example.com/"); status != http.StatusForbidden || c.Code != "domain_not_allowed" {
		t.Errorf("status %d, code %s", status, c.Code)
	}
}

// Regression: a database that went away between two steps of the start ended
// the process.
func TestDatabaseGoneInTheMiddleOfTheStart(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"INSERT INTO master_key", "INSERT INTO account", "INSERT INTO credential", "INSERT INTO person"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			sim := startSimulator(t, simulator.Account{})
			proxy, dsn := modeltest.NewProxyFor(t, modeltest.MariaDB(t))
			cut := proxy.CutNextReply(func(query []byte) bool { return strings.Contains(string(query), step) })
			s := newPlace(t, oneAccount, append(production(dsn),
				"WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+newKey(t))...).startReady(t)
			select {
			case <-cut:
			default:
				t.Error("the reply was never cut: this tested nothing")
			}
			if !strings.Contains(s.log.String(), "beginning anew") {
				t.Errorf("no word of it in the log:\n%s", s.log)
			}
			s.sign(page, sim.URL)
		})
	}
}

// onDatabase is a production configuration on a server of its own.
func onDatabase(t testing.TB, database *modeltest.Server, sim *simtest.Server) *place {
	t.Helper()
	return newPlace(t, oneAccount, append(production(database.DSN()),
		"WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+newKey(t))...)
}

// Nobody may have to kill a program that waits for its database.
func TestStopWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	database := modeltest.MariaDBServer(t)
	database.Stop()
	s := onDatabase(t, database, startSimulator(t, simulator.Account{})).start(t)
	s.waitLog("the database does not answer")
	begin := time.Now()
	s.end()
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it took %s to stop", took)
	}
}

func TestDatabaseDownInTheMiddle(t *testing.T) {
	t.Parallel()
	database, sim := modeltest.MariaDBServer(t), startSimulator(t, simulator.Account{})
	s := onDatabase(t, database, sim).startReady(t)
	s.sign(page, sim.URL)
	s.waitReady(http.StatusOK, "ok")
	database.Kill()
	s.waitReady(http.StatusOK, "degraded", "database_down")
	for range 50 {
		begin := time.Now()
		if status, c := s.ask(page); status != http.StatusOK {
			t.Fatalf("status %d, code %s", status, c.Code)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("a signature took %s", took)
		}
	}
	s.sign(page, sim.URL)
	database.Start()
	s.waitReady(http.StatusOK, "ok")
	s.sign(page, sim.URL)
	if n := calls(t, sim)["/cgi-bin/stable_token"]; n != 1 {
		t.Errorf("%d token calls; the outage cost one", n)
	}
}

// onSimulator is one account on SQLite against the simulator.
func onSimulator(t testing.TB, sim *simtest.Server, env ...string) *place {
	t.Helper()
	return newPlace(t, oneAccount, append([]string{
		"WXSIGN_DATABASE_DSN=" + filepath.Join(t.TempDir(), "wxsign.db"), "WXSIGN_WECHAT_BASE_URL=" + sim.URL,
		"WXSIGN_ACCOUNT_0_APP_ID=" + demoApp, "WXSIGN_ACCOUNT_0_SECRET=" + demoSecret, "WXSIGN_ACCOUNT_0_DOMAINS=h5.example.com",
		"WXSIGN_REFRESH_SCAN=@every 1s",
	}, env...)...)
}

// What only a person can mend: it is said with its mend, WeChat is left alone,
// and no page gets a signature.
func TestAccountThatWeChatRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		account simulator.Account
		fault   int
		env     []string
		says    []string
	}{
		{"wrong AppSecret", simulator.Account{}, 0, []string{"WXSIGN_ACCOUNT_0_SECRET=not-the-right-one"}, []string{"AppSecret", "errcode"}},
		{"address not listed", simulator.Account{AllowedIPs: []string{"203.0.113.9"}}, 0, nil, []string{"40164", "127.0.0.1: add it", "IP白名单"}},
		{"day's quota used up", simulator.Account{}, 45009, nil, []string{"45009", "used up", "清零"}},
		{"AppID unknown", simulator.Account{}, 40013, nil, []string{"40013", "AppID"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sim := startSimulator(t, tt.account)
			if tt.fault != 0 {
				fail(t, sim, "/cgi-bin/stable_token", tt.fault)
			}
			s := onSimulator(t, sim, tt.env...).startReady(t)
			s.waitReady(http.StatusServiceUnavailable, "unavailable", "nothing_can_be_signed", "ticket_not_ready", "renewals_failing")
			begin := time.Now()
			status, body, header := s.get(s.listen, "/jssdk/config?url=https%3A%2F%2Fh5.example.com%2F")
			if status != http.StatusServiceUnavailable || !strings.Contains(body, "ticket_not_ready") || len(header.Get("Retry-After")) < 3 {
				t.Errorf("status %d, Retry-After %q, %s", status, header.Get("Retry-After"), body)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("the page waited %s for nothing", took)
			}
			for _, text := range tt.says {
				s.waitLog(text)
			}
			for _, secret := range []string{demoSecret, "not-the-right-one"} {
				if strings.Contains(s.log.String(), secret) {
					t.Errorf("the AppSecret is in the log:\n%s", s.log)
				}
			}
			time.Sleep(3500 * time.Millisecond) // three scans more
			if n := calls(t, sim)["/cgi-bin/stable_token"]; n != 1 {
				t.Errorf("WeChat was asked %d times", n)
			}
		})
	}
}

// fail lets every call of a path fail.
func fail(t testing.TB, sim *simtest.Server, path string, errcode int) {
	t.Helper()
	sim.Control(t, http.MethodPost, "/_sim/fault", map[string]any{"path": path, "errcode": errcode, "count": -1}, nil)
}

// A new ticket that cannot be had takes nothing from those that live.
func TestQuotaUsedUpServesWhatIsStored(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t, simulator.Account{})
	p := onSimulator(t, sim)
	first := p.startReady(t)
	first.sign(page, sim.URL)
	first.end()

	fail(t, sim, "/cgi-bin/ticket/getticket", 45009)
	p.env = append(p.env, "WXSIGN_ACCOUNT_0_TICKETS=jsapi,wx_card")
	second := p.startReady(t)
	second.waitReady(http.StatusOK, "degraded", "renewals_failing")
	second.sign(page, sim.URL)
	second.waitLog("45009")
	time.Sleep(2500 * time.Millisecond)
	second.sign(page, sim.URL)
	if got := calls(t, sim); got["/cgi-bin/ticket/getticket"] != 2 || got["/cgi-bin/stable_token"] != 1 {
		t.Errorf("calls to WeChat: %v", got)
	}
}
