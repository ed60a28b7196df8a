package main_test

import (
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite" // the driver "sqlite"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// sighting is something that was seen: an answer, the output of a command, a log,
// a file of the database. Only the secrets in may can stand there, by name.
type sighting struct {
	where, text string
	may         []string
}

// canary follows marked secrets through a run of the whole program.
type canary struct {
	t       testing.TB
	secrets map[string]string // by name
	seen    []sighting
}

func (c *canary) mark(name, secret string) string {
	c.t.Helper()
	if secret = strings.TrimSpace(secret); len(secret) < 12 {
		c.t.Fatalf("%s is %q: too short to be looked for", name, secret)
	}
	c.secrets[name] = secret
	return secret
}

func (c *canary) see(where, text string, may ...string) {
	c.seen = append(c.seen, sighting{where, text, may})
}

// forms are the ways in which a secret may be written without being sealed.
func forms(secret string) map[string]string {
	all := map[string]string{
		"as it is": secret, "in hex": hex.EncodeToString([]byte(secret)), "escaped": url.QueryEscape(secret),
		"in HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))), // as databases dump it
	}
	// Three bytes are four characters: what stands before it moves a secret within
	// them, as a user name does in AUTH PLAIN.
	for before, mixed := range []int{0, 2, 3} {
		raw := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
		raw = raw[mixed : len(raw)-2]
		all[fmt.Sprintf("in base64, behind %d bytes", before)] = raw
		all[fmt.Sprintf("in base64 for URLs, behind %d bytes", before)] = strings.NewReplacer("+", "-", "/", "_").Replace(raw)
	}
	return all
}

// leaks are all places where a secret stands that must not be there.
func (c *canary) leaks() []string {
	found := map[string]bool{}
	for _, s := range c.seen {
		for name, secret := range c.secrets {
			if slices.ContainsFunc(s.may, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
				continue
			}
			for form, text := range forms(secret) {
				if strings.Contains(s.text, text) {
					found[fmt.Sprintf("%s %s in %s", name, form, s.where)] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// The harness itself: a planted secret is found in every form and place, and only
// where it must not be.
func TestCanarySeesALeak(t *testing.T) {
	t.Parallel()
	const secret = "canary/secret+0123456789"
	for form, text := range forms(secret) {
		c := &canary{t: t, secrets: map[string]string{"secret": secret, "other": "another secret"}}
		c.see("a log", "before "+text+" behind")
		c.see("its own answer", text, "secret")
		c.see("clean", "nothing")
		if leaks := c.leaks(); len(leaks) == 0 || !strings.Contains(leaks[0], "in a log") || strings.Contains(strings.Join(leaks, " "),
			"its own") {
			t.Errorf("planted %s, found %q", form, leaks)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.db-wal"), []byte("\x00\x01"+secret+"\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &canary{t: t, secrets: map[string]string{"secret": secret}}
	c.seeFiles("the database", dir)
	if len(c.leaks()) != 1 {
		t.Errorf("planted in a file, found %q", c.leaks())
	}
}

// seeFiles looks at the bytes of all files of a folder but the key.
func (c *canary) seeFiles(where, dir string) {
	c.t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil && !os.IsNotExist(err) {
			c.t.Fatal(err)
		}
		c.see(where+", file "+file.Name(), string(text))
	}
}

// seeTables looks at every column of every row.
func (c *canary) seeTables(db *sql.DB, list string) {
	c.t.Helper()
	tables := c.column(db, list)
	if len(tables) < 15 {
		c.t.Fatalf("only %d tables: %q", len(tables), tables)
	}
	for _, table := range tables {
		c.seeTable(db, table)
	}
}

func (c *canary) seeTable(db *sql.DB, table string) {
	c.t.Helper()
	rows, err := db.QueryContext(c.t.Context(), "SELECT * FROM "+table)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		c.t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			c.t.Fatal(err)
		}
		for i, value := range values {
			c.see("column "+table+"."+names[i], string(value))
		}
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *canary) column(db *sql.DB, query string) (all []string) {
	c.t.Helper()
	rows, err := db.QueryContext(c.t.Context(), query)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			c.t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return all
}

// learn marks what the simulator has issued: tokens and tickets.
func (c *canary) learn(sim *simtest.Server) {
	c.t.Helper()
	var truth struct {
		Values []struct {
			AppID  string `json:"app_id"`
			Kind   string `json:"kind"`
			SHA256 string `json:"sha256"`
			Value  string `json:"value"`
		} `json:"values"`
	}
	sim.Control(c.t, http.MethodGet, "/_sim/truth", nil, &truth)
	for _, v := range truth.Values {
		c.mark(fmt.Sprintf("%s of %s, %.8s", v.Kind, v.AppID, v.SHA256), v.Value)
	}
}

// visitor is a browser that keeps what it was shown.
type visitor struct {
	*canary
	client *http.Client
	base   string
}

// ask sends a request of a business server, or a form of a person, and keeps the
// answer. What is not ready yet is asked for again.
func (v *visitor) ask(method, path, body string, want int, change func(*http.Request), may ...string) string {
	v.t.Helper()
	where, _, _ := strings.Cut(path, "?")
	for deadline := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) {
		status, text := v.try(method, path, body, change, may)
		if status == want {
			return text
		}
		if status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			v.t.Fatalf("%s %s: status %d, want %d: %.500s", method, where, status, want, text)
		}
	}
}

func (v *visitor) try(method, path, body string, change func(*http.Request), may []string) (status int, answer string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	where, _, _ := strings.Cut(path, "?")
	v.see("answer to "+method+" "+where, string(text), may...)
	header := response.Header.Clone()
	header.Del("Set-Cookie")
	v.see("header of the answer to "+method+" "+where, fmt.Sprint(header), may...)
	for _, cookie := range response.Cookies() {
		if len(cookie.Value) > 20 {
			v.mark(fmt.Sprintf("session %.6x", cookie.Value), cookie.Value)
		}
	}
	return response.StatusCode, string(text)
}

func bearer(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) }
}

func form(r *http.Request) {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
}

// panelApp is an account that is made in the panel.
const panelApp = "wxpanel0123456789a"

// A run of the whole program, its log at its most talkative, in which everything
// has a mark that is secret. No mark is found in the clear where it does not
// belong: not in the log, in no answer, metric or profile, not in the database.
func TestCanary(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		c := runCanary(t, func(c *canary) { c.seeFiles("SQLite while it serves", dir) },
			"WXSIGN_DATABASE_DSN="+filepath.Join(dir, "wxsign.db"), "WXSIGN_DATABASE_SNAPSHOT_FILE="+filepath.Join(dir, "wxsign.snapshot"))
		c.seeFiles("SQLite after the end", dir)
		if info, err := os.Stat(filepath.Join(dir, "wxsign.snapshot")); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("the snapshot file, in which secrets were looked for: %v, %v", info, err)
		}
		db, err := sql.Open("sqlite", filepath.Join(dir, "wxsign.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		c.seeTables(db, "SELECT name FROM sqlite_master WHERE type='table'")
		c.report()
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		dsn := modeltest.MariaDB(t)
		c := runCanary(t, func(c *canary) { c.seeDump("while it serves", dsn) }, "WXSIGN_DATABASE_DRIVER=mysql", "WXSIGN_DATABASE_DSN="+dsn)
		c.seeDump("after the end", dsn)
		db, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		c.seeTables(db, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
		c.report()
	})
}

func (c *canary) report() {
	c.t.Helper()
	c.t.Logf("%d secrets, looked for in %d places", len(c.secrets), len(c.seen))
	if len(c.secrets) < 20 || len(c.seen) < 60 {
		c.t.Error("that is fewer than this run has")
	}
	for _, leak := range c.leaks() {
		c.t.Error(leak)
	}
}

// runCanary lives through everything that has to do with secrets.
func runCanary(t *testing.T, amid func(*canary), env ...string) *canary {
	t.Helper()
	c := &canary{t: t, secrets: map[string]string{}}
	for i, name := range []string{
		"AppSecret", "AppSecret of the panel", "next AppSecret", "wrong AppSecret", "webhook secret",
		"webhook URL key", "Redis password", "chosen password", "wrong password",
		"mail password", "robot URL key", "alert webhook secret", "alert webhook URL key",
	} {
		c.mark(name, fmt.Sprintf("canary%dQ7x%sZ9", i, strings.Repeat(string(rune('k'+i)), 16)))
	}
	sim := simtest.Start(t, simulator.Options{Accounts: []simulator.Account{
		{AppID: demoApp, Secret: c.secrets["AppSecret"], Domains: []string{"h5.example.com"}},
		{AppID: panelApp, Secret: c.secrets["AppSecret of the panel"], Domains: []string{"panel.example.com"}},
	}})
	receiver := blurtingHTTP(t)
	mailHost, mailPort, err := net.SplitHostPort(blurtingServer(t, blurtingMail(c.secrets["mail password"])))
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t, oneAccount, append([]string{
		"WXSIGN_LOG_LEVEL=debug", "WXSIGN_LOG_FORMAT=json", "WXSIGN_WECHAT_BASE_URL=" + sim.URL, "WXSIGN_REFRESH_SCAN=@every 1s",
		"WXSIGN_REFRESH_MIN_INTERVAL=1s",
		"WXSIGN_ACCOUNT_0_APP_ID=" + demoApp, "WXSIGN_ACCOUNT_0_SECRET=" + c.secrets["AppSecret"],
		"WXSIGN_ACCOUNT_0_DOMAINS=h5.example.com", "WXSIGN_ACCOUNT_0_TICKETS=jsapi,wx_card",
		"WXSIGN_PUBLISH_REDIS_ADDRESS=" + blurtingServer(t, blurtingRedis), "WXSIGN_PUBLISH_REDIS_PASSWORD=" + c.secrets["Redis password"],
		"WXSIGN_WEBHOOK_0_URL=" + receiver + "/hook?key=" + c.secrets["webhook URL key"],
		"WXSIGN_WEBHOOK_0_SECRET=" + c.secrets["webhook secret"],
		"WXSIGN_ALERT_SMTP_HOST=" + mailHost, "WXSIGN_ALERT_SMTP_PORT=" + mailPort, "WXSIGN_ALERT_SMTP_TLS=none",
		"WXSIGN_ALERT_SMTP_USERNAME=wxsign", "WXSIGN_ALERT_SMTP_PASSWORD=" + c.secrets["mail password"],
		"WXSIGN_ALERT_SMTP_FROM=wxsign@example.com", "WXSIGN_ALERT_SMTP_TO=ops@example.com",
		"WXSIGN_ALERT_WEBHOOK_URL=" + receiver + "/alerts?key=" + c.secrets["alert webhook URL key"],
		"WXSIGN_ALERT_WEBHOOK_SECRET=" + c.secrets["alert webhook secret"],
		"WXSIGN_ALERT_WECOM_ROBOT_URL=" + receiver + "/cgi-bin/webhook/send?key=" + c.secrets["robot URL key"],
	}, env...)...)
	key := newKey(t)
	p.env = append(p.env, "WXSIGN_SECURITY_MASTER_KEY="+key)
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	c.mark("master key", key)
	c.mark("master key, raw", string(raw))

	s := canaryServer(t, p)
	s.sign(page, sim.URL)
	c.learn(sim)
	callers := c.newVisitor(s)
	c.business(p, callers, sim)
	c.panel(p, c.newVisitor(s), sim)
	c.operators(p, s)
	c.learn(sim)
	amid(c)
	s.end()
	c.see("the log", s.log.String())
	return c
}

// canaryServer starts a program whose log is JSON.
func canaryServer(t *testing.T, p *place) *server {
	t.Helper()
	text := *p
	text.env = append(slices.Clone(p.env), "WXSIGN_LOG_FORMAT=text") // its addresses are read from the log
	return text.startReady(t)
}

func (c *canary) newVisitor(s *server) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return &visitor{c, &http.Client{
		Jar: jar, Timeout: soon, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, s.listen}
}

// command runs a command of the program and keeps what it says.
func (c *canary) command(p *place, wantCode int, may []string, args ...string) string {
	c.t.Helper()
	code, stdout, stderr := p.run(c.t, args...)
	if code != wantCode {
		c.t.Fatalf("%q: exit code %d: %s %s", args, code, stdout, stderr)
	}
	c.see("stdout of "+args[0], stdout, may...)
	c.see("stderr of "+args[0], stderr)
	return strings.TrimSpace(stdout)
}

// business is a server of the company with an API key.
func (c *canary) business(p *place, v *visitor, sim *simtest.Server) {
	c.t.Helper()
	key := c.mark("API key", c.command(p, 0, []string{"API key"}, "key", "create", "--name", "shop", "--scope",
		"token,ticket,refresh,relay,sign", "--account", demoApp))
	account := "/v1/accounts/" + demoApp
	token := v.ask(http.MethodGet, account+"/access_token", "", http.StatusOK, bearer(key), "access_token")
	v.ask(http.MethodGet, account+"/tickets/jsapi", "", http.StatusOK, bearer(key), "jsapi")
	v.ask(http.MethodPost, account+"/sign", `{"kind":"jsapi","url":"`+page+`"}`, http.StatusOK, bearer(key))
	v.ask(http.MethodPost, account+"/sign", `{"kind":"add_card","card_id":"c"}`, http.StatusOK, bearer(key))
	v.ask(http.MethodGet, "/cgi-bin/token?grant_type=client_credential&appid="+demoApp+"&secret="+key, "", http.StatusOK, nil, "access_token")
	v.ask(http.MethodGet, "/cgi-bin/token?grant_type=client_credential&appid="+demoApp+"&secret="+c.secrets["AppSecret"], "",
		http.StatusOK, nil)
	v.ask(http.MethodGet, "/cgi-bin/ticket/getticket?type=jsapi&access_token="+key, "", http.StatusOK, nil, "jsapi")
	v.ask(http.MethodGet, "/cgi-bin/getcallbackip?access_token="+key, "", http.StatusOK, nil)
	v.ask(http.MethodGet, "/sns/jscode2session?appid="+demoApp+"&secret="+key+"&js_code=canary", "", http.StatusOK, nil)
	v.ask(http.MethodPost, "/cgi-bin/clear_quota?access_token="+key, `{"appid":"`+demoApp+`"}`, http.StatusOK, nil)
	v.ask(http.MethodPost, "/cgi-bin/openapi/quota/get?access_token="+key, `{"cgi_path":"/cgi-bin/token"}`, http.StatusOK, nil)
	if said := v.ask(http.MethodGet, "/sns/userinfo?access_token="+key+"&openid=o", "", http.StatusOK, nil); !strings.Contains(said, "40014") {
		c.t.Errorf("an API key in the place of a user's token: %s", said) // it would go to WeChat
	}
	v.ask(http.MethodGet, "/cgi-bin/"+key+"?access_token="+key, "", http.StatusOK, nil) // at a wrong place, too

	var value struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(token), &value); err != nil {
		c.t.Fatal(err)
	}
	sim.Control(c.t, http.MethodPost, "/_sim/revoke", map[string]any{"app_id": demoApp, "what": "token"}, nil)
	v.ask(http.MethodPost, account+"/access_token/report", `{"value":"`+value.Token+`","errcode":40001}`, http.StatusOK, bearer(key),
		"access_token")
	c.learn(sim)
	sim.Control(c.t, http.MethodPost, "/_sim/fault", map[string]any{"path": "*", "mode": "cut", "count": 3}, nil)
	v.ask(http.MethodGet, "/cgi-bin/getcallbackip?access_token="+key, "", http.StatusOK, nil)
	v.ask(http.MethodGet, "/sns/jscode2session?appid="+demoApp+"&secret="+key+"&js_code=canary", "", http.StatusOK, nil)
	sim.Control(c.t, http.MethodDelete, "/_sim/fault", nil, nil)
	v.ask(http.MethodGet, account+"/access_token", "", http.StatusUnauthorized, bearer(key[:len(key)-1]))
	v.ask(http.MethodPost, account+"/access_token/report", `{"value":["`+value.Token+`"]}`, http.StatusBadRequest, bearer(key))
	v.ask(http.MethodGet, account+"/access_token", "", http.StatusForbidden,
		func(r *http.Request) { bearer(key)(r); r.Header.Set("Origin", "https://h5.example.com") })
	v.ask(http.MethodGet, "/jssdk/config?url="+url.QueryEscape("https://evil.example/?token="+value.Token), "", http.StatusForbidden, nil)
	v.ask(http.MethodGet, "/"+value.Token, "", http.StatusNotFound, nil)
	c.command(p, 0, nil, "key", "list")
}

// panel is an administrator: signs in, makes an account, changes its AppSecret,
// looks at every page.
func (c *canary) panel(p *place, v *visitor, sim *simtest.Server) {
	c.t.Helper()
	post := func(path string, fields url.Values, want int, may ...string) string {
		c.t.Helper()
		return v.ask(http.MethodPost, path, fields.Encode(), want, form, may...)
	}
	oneTime := c.mark("one-time password", c.command(p, 0, []string{"one-time password"}, "admin", "reset-password", "ann"))
	post("/admin/sign-in", url.Values{"name": {"ann"}, "password": {c.secrets["wrong password"]}}, http.StatusForbidden)
	post("/admin/sign-in", url.Values{"name": {"ann"}, "password": {oneTime}}, http.StatusSeeOther)
	chosen := c.secrets["chosen password"]
	post("/admin/password", url.Values{"chosen": {chosen}, "repeated": {c.secrets["wrong password"]}}, http.StatusUnprocessableEntity)
	post("/admin/password", url.Values{"chosen": {chosen}, "repeated": {chosen}}, http.StatusSeeOther)
	account := url.Values{
		"platform": {"official_account"}, "app_id": {panelApp}, "name": {"Panel"}, "token_mode": {"stable"}, "tickets": {"jsapi"},
		"domains":        {"panel.example.com"},
		"profile.0.name": {"default"}, "profile.0.apis": {"checkJsApi"}, "secret": {c.secrets["AppSecret of the panel"]},
	}
	wrong := maps.Clone(account)
	wrong["app_id"] = []string{"no app id"}
	post("/admin/new-account", wrong, http.StatusUnprocessableEntity)
	post("/admin/new-account", account, http.StatusSeeOther)
	here := "/admin/accounts/" + panelApp
	post(here+"/secret/enter", url.Values{"secret": {c.secrets["wrong AppSecret"]}},
		http.StatusSeeOther) // WeChat refuses it, which the page tells
	post(here+"/secret/enter", url.Values{"secret": {c.secrets["next AppSecret"]}}, http.StatusSeeOther)
	post(here+"/secret/discard", url.Values{}, http.StatusSeeOther)
	post("/admin/accounts/"+demoApp+"/reveal", url.Values{"kind": {"jsapi"}, "reason": {"canary"}}, http.StatusOK, "jsapi")
	post("/admin/accounts/"+demoApp+"/refresh", url.Values{"kind": {"access_token"}, "reason": {""}}, http.StatusUnprocessableEntity)
	made := post("/admin/people", url.Values{"name": {"bob"}, "role": {"viewer"}}, http.StatusOK, "one-time password")
	c.mark("one-time password of bob", regexp.MustCompile(`[A-Z2-7]{26}`).FindString(made))
	ticket := c.ticket()
	post("/admin/checker",
		url.Values{
			"paste":     {"jsapi_ticket=" + ticket + "&noncestr=Wm3WZYTPz0wzccnW&timestamp=1414587457&url=" + page},
			"signature": {strings.Repeat("0", 40)}, "account": {demoApp},
		}, http.StatusOK)
	for _, path := range []string{
		"/admin/", "/admin/history", "/admin/history.csv", "/admin/people", "/admin/people/bob", "/admin/audit", "/admin/sessions",
		"/admin/qa", "/admin/new-account", "/admin/keys", "/admin/alerts", "/admin/deliveries", "/admin/help/errors",
		"/admin/history/overwritten", "/admin/audit/chain",
		here, here + "/edit", here + "/delete", here + "/secret", here + "/timeline", "/admin/accounts/" + demoApp,
	} {
		v.ask(http.MethodGet, path, "", http.StatusOK, nil)
	}
	post("/admin/sign-out", url.Values{}, http.StatusSeeOther)
	c.learn(sim)
}

// ticket is one that is known.
func (c *canary) ticket() string {
	for name, secret := range c.secrets {
		if strings.HasPrefix(name, "jsapi of "+demoApp) {
			return secret
		}
	}
	c.t.Fatal("no ticket is known")
	return ""
}

// operators look at metrics and profiles, ask the doctor and the configuration.
func (c *canary) operators(p *place, s *server) {
	c.t.Helper()
	for _, path := range []string{
		"/metrics", "/readyz", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2",
		"/debug/pprof/heap?debug=1",
	} {
		_, body, _ := s.get(s.ops, path)
		c.see("ops, "+path, body)
	}
	for _, path := range []string{"/readyz", "/openapi.yaml"} {
		_, body, _ := s.get(s.listen, path)
		c.see(path, body)
	}
	c.command(p, 0, nil, "config", "show")
	c.command(p, 0, nil, "config", "check")
	c.command(p, 0, nil, "migrate", "status")
	c.command(p, 0, nil, "sign", "--app-id", demoApp, "--url", page)
	c.command(p, 0, nil, "master-key", "rotate")
	c.command(p, 1, nil, "alert", "test") // nobody takes it
	code, stdout, stderr := p.run(c.t, "doctor")
	c.see("the doctor", stdout+stderr)
	if stdout == "" {
		c.t.Errorf("the doctor says nothing: exit code %d, %s", code, stderr)
	}
}
