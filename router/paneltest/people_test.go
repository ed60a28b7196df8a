package paneltest_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
)

var (
	oneTimePassword = regexp.MustCompile(`<code id="password">([A-Z2-7]{26})</code>`)
	sessionField    = regexp.MustCompile(`name="session" value="([0-9a-f]{24})"`)
)

// post sends a form of fields and values.
func (v visitor) post(path string, fields ...string) reply {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.send(http.MethodPost, path, form)
}

// newcomer adds a person by the panel and signs them in with a password of their
// own.
func (v visitor) newcomer(name, role string) visitor {
	v.t.Helper()
	r := v.post("/admin/people", "name", name, "role", role)
	shown := oneTimePassword.FindStringSubmatch(r.body)
	if r.StatusCode != http.StatusOK || shown == nil {
		v.t.Fatalf("add %s: %d\n%s", name, r.StatusCode, r.body)
	}
	return v.enter(strings.ToLower(name), shown[1])
}

// enter signs somebody in with a one-time password.
func (k *panelKit) enter(name, oneTime string) visitor {
	k.t.Helper()
	v := k.visitor()
	v.signIn(name, oneTime)
	r := v.post("/admin/password", "chosen", panelPassword, "repeated", panelPassword)
	if r.Header.Get("Location") != "/admin/" {
		k.t.Fatalf("choose a password: %d", r.StatusCode)
	}
	return v
}

// again signs the same person in once more, elsewhere.
func (k *panelKit) again(name string) visitor {
	k.t.Helper()
	v := k.visitor()
	v.signIn(name, panelPassword)
	return v
}

func (v visitor) isIn() bool {
	v.t.Helper()
	return v.get("/admin/").StatusCode == http.StatusOK
}

func TestPeople(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	eve := admin.newcomer(" Eve ", "viewer")
	if !eve.isIn() || eve.get("/admin/people").StatusCode != http.StatusForbidden {
		t.Error("a new viewer is not in, or is in too far")
	}
	if r := eve.get("/admin/history"); strings.Contains(r.body, `href="/admin/people"`) {
		t.Error("the bar leads a viewer where they may not go")
	}
	if body := admin.get("/admin/people").body; !strings.Contains(body, ">eve</a>") || strings.Contains(body, "value=\"x\"") ||
		oneTimePassword.MatchString(body) {
		t.Error("the list lacks eve, or shows a password again")
	}
	for name, want := range map[string]string{
		"eve": "Somebody has this name", "EVE": "Somebody has this name", "": "1 to 64",
		"a b": "1 to 64", "<script>": "1 to 64",
	} {
		r := admin.post("/admin/people", "name", name, "role", "viewer")
		if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(r.body, want) || strings.Contains(r.body, "<script>") {
			t.Errorf("add %q: %d", name, r.StatusCode)
		}
	}
	if r := admin.post("/admin/people", "name", "mallory", "role", "root"); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a role that is none: %d", r.StatusCode)
	}
	for _, path := range []string{"/admin/people/nobody", "/admin/people/%3Cscript%3E"} {
		if r := admin.get(path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := admin.post("/admin/people/eve", "do", "something"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("a change that is none: %d", r.StatusCode)
	}
}

// A stolen cookie is dead after whatever changes what its person may do.
func TestStolenCookieDies(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(admin, eve visitor) reply{
		"sign-out": func(_, eve visitor) reply { return eve.post("/admin/sign-out") },
		"password change": func(_, eve visitor) reply {
			return eve.post("/admin/password", "current", panelPassword, "chosen", panelPassword+"x", "repeated", panelPassword+"x")
		},
		"promotion":       func(admin, _ visitor) reply { return admin.post("/admin/people/eve", "do", "role", "role", "admin") },
		"same role again": func(admin, _ visitor) reply { return admin.post("/admin/people/eve", "do", "role", "role", "viewer") },
		"disabled":        func(admin, _ visitor) reply { return admin.post("/admin/people/eve", "do", "disable") },
		"removed":         func(admin, _ visitor) reply { return admin.post("/admin/people/eve", "do", "remove", "sure", "yes") },
		"ended by admin":  func(admin, _ visitor) reply { return admin.post("/admin/people/eve", "do", "end_sessions") },
		"one-time":        func(admin, _ visitor) reply { return admin.post("/admin/people/eve", "do", "password") },
		"ended others":    func(_, eve visitor) reply { return eve.post("/admin/sessions") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newPanelKit(t, panelKitOptions{})
			admin := k.as("admin")
			eve := admin.newcomer("eve", "viewer")
			u, err := url.Parse(k.url)
			k.ok(err)
			var stolen []string
			for _, c := range eve.client.Jar.Cookies(u) {
				stolen = append(stolen, c.String())
			}
			replay := func() int {
				return k.visitor().get("/admin/", header("Cookie", strings.Join(stolen, "; "))).StatusCode
			}
			if replay() != http.StatusOK {
				t.Fatal("the cookie does not work at all")
			}
			if r := act(admin, eve); r.StatusCode >= http.StatusBadRequest {
				t.Fatalf("%d\n%s", r.StatusCode, r.body)
			}
			if got := replay(); got != http.StatusSeeOther {
				t.Errorf("the stolen cookie: %d", got)
			}
		})
	}
}

// Nobody can take the last administrator away, not even that one.
func TestLastAdministrator(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	admin.newcomer("eve", "viewer")
	for _, fields := range [][]string{{"do", "role", "role", "viewer"}, {"do", "disable"}, {"do", "remove", "sure", "yes"}} {
		r := admin.post("/admin/people/person-admin", fields...)
		if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(r.body, "the last administrator") || !admin.isIn() {
			t.Errorf("%v: %d", fields, r.StatusCode)
		}
	}
	if r := admin.post("/admin/people/eve", "do", "remove"); r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(r.body, "Tick the box") {
		t.Errorf("without being sure: %d", r.StatusCode)
	}
	if r := admin.post("/admin/people/eve", "do", "remove", "sure", "yes"); r.Header.Get("Location") != "/admin/people?removed=eve" {
		t.Errorf("remove: %d to %s", r.StatusCode, r.Header.Get("Location"))
	}
	if body := admin.get("/admin/people?removed=eve").body; !strings.Contains(body, "eve is removed") || strings.Contains(body, ">eve</a>") {
		t.Error("eve is still listed")
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	eve := admin.newcomer("eve", "viewer")
	phone := k.again("eve")
	agent := header("User-Agent", "Mozilla/5.0 (iPhone) MicroMessenger/8.0 "+script)
	form := url.Values{"name": {"eve"}, "password": {panelPassword}}
	tablet := k.visitor()
	tablet.send(http.MethodPost, "/admin/sign-in", form, agent)
	body := eve.get("/admin/sessions").body
	if n := strings.Count(body, `class="device"`); n != 3 || strings.Contains(body, "<script>") ||
		!strings.Contains(body, "WeChat · iPhone") || !strings.Contains(body, "this one") {
		t.Errorf("%d sessions, want 3 with their devices", n)
	}
	ids := sessionField.FindAllStringSubmatch(body, -1)
	if len(ids) != 2 {
		t.Fatalf("%d sessions can be ended, want the 2 others", len(ids))
	}
	if r := admin.post("/admin/sessions", "session", ids[0][1]); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("somebody else's session: %d", r.StatusCode)
	}
	if r := eve.post("/admin/sessions", "session", ids[0][1]); r.Header.Get("Location") != "/admin/sessions?done=one" {
		t.Errorf("end one: %d", r.StatusCode)
	}
	if phone.isIn() == tablet.isIn() {
		t.Error("not just one of the two has ended")
	}
	if r := eve.post("/admin/sessions", "session", ids[0][1]); r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(r.body, "has ended already") {
		t.Errorf("end it again: %d", r.StatusCode)
	}
	if r := eve.post("/admin/sessions"); r.Header.Get("Location") != "/admin/sessions?done=others" || !eve.isIn() || phone.isIn() || tablet.isIn() {
		t.Errorf("end the others: %d", r.StatusCode)
	}
	again := k.again("eve")
	body = admin.get("/admin/people/eve").body
	ids = sessionField.FindAllStringSubmatch(body, -1)
	if len(ids) != 2 {
		t.Fatalf("an administrator sees %d sessions, want 2", len(ids))
	}
	for _, id := range ids {
		if r := admin.post("/admin/people/eve", "do", "end_session", "session",
			id[1]); r.Header.Get("Location") != "/admin/people/eve?done=session" {
			t.Errorf("end hers: %d", r.StatusCode)
		}
	}
	if eve.isIn() || again.isIn() || !admin.isIn() {
		t.Error("not just hers have ended")
	}
}

func TestAuditPages(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	admin.newcomer("eve", "viewer")
	admin.post("/admin/people/eve", "do", "role", "role", "admin")
	k.recorded("wxaccount jsapi: look", "wxaccount", "wxaccount2 jsapi")
	body := admin.get("/admin/audit").body
	for _, want := range []string{
		"changes the role", "adds a person", "signs in", "gives a one-time password", "this machine",
		"127.0.0.1",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	rows := regexp.MustCompile(`<td role="cell" class="mono lead"`)
	for path, want := range map[string]int{
		"?action=change_role": 1, "?actor=person-admin&target=eve": 2, "?target=eve": 4,
		"?target=wxaccount": 2, "?target=wxaccount+jsapi%3A+look": 1, "?target=wxacc": 0,
		"?actor=nobody": 0, "?from=2020-01-01&to=2021-01-01": 0,
		"?action=change_role&actor=eve": 0,
	} {
		r := admin.get("/admin/audit" + path)
		if got := len(rows.FindAllString(r.body, -1)); r.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d with %d entries, want %d", path, r.StatusCode, got, want)
		}
	}
	for path, want := range map[string]int{
		"?from=x": 422, "?before=x": 404, "?before=1": 404,
		"/chain?from=x": 404, "/chain?from=0": 404, "/chain?from=999&hash=x": 404,
	} {
		if r := admin.get("/admin/audit" + path); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	if body := admin.get("/admin/audit/chain").body; !strings.Contains(body, "The chain is intact") ||
		!strings.Contains(body, "Intact until entry") {
		t.Error("the chain is not called intact")
	}
	for i := range 60 {
		_, _ = i, admin.post("/admin/people/eve", "do", "end_sessions")
	}
	first := admin.get("/admin/audit?action=end_sessions").body
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(first)
	if next == nil {
		t.Fatal("there is no second page")
	}
	if got := len(rows.FindAllString(admin.get(strings.ReplaceAll(next[1], "&amp;", "&")).body, -1)); got != 10 {
		t.Errorf("the second page has %d entries, want the last 10", got)
	}
}

// What is in the audit log cannot be undone from the panel, and hostile words in
// it stay words.
func TestAuditHostileEntries(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	head, err := k.store.AuditHead(t.Context())
	k.ok(err)
	seq := head.Seq + 1
	added, err := k.store.AddAudit(t.Context(), head, model.Audit{
		Seq: &seq, AtMs: head.NowMs, Actor: script, Action: script, Target: script, Address: script,
		RequestID: script, PrevHash: head.Hash, Hash: "not its hash",
	})
	if err != nil || !added {
		t.Fatal(added, err)
	}
	for _, path := range []string{
		"/admin/audit", "/admin/audit?actor=" + url.QueryEscape(script), "/admin/audit/chain",
		"/admin/audit/chain?from=2&hash=" + url.QueryEscape(script),
	} {
		r := admin.get(path)
		if r.StatusCode != http.StatusOK || strings.Contains(r.body, "<script>") || strings.Contains(r.body, "<img") {
			t.Errorf("%s: %d, or hostile text became markup", path, r.StatusCode)
		}
	}
	if body := admin.get("/admin/audit/chain").body; !strings.Contains(body, "The chain is broken") ||
		!strings.Contains(body, fmt.Sprintf("Intact until entry %d", head.Seq)) {
		t.Error("an entry that is not as it was written is not found")
	}
	if body := admin.get("/admin/audit").body; !strings.Contains(body, `class="broken"`) {
		t.Error("the list does not mark it")
	}
}

// recorded adds entries about targets.
func (k *panelKit) recorded(targets ...string) {
	k.t.Helper()
	entries, err := audit.New(k.store)
	k.ok(err)
	for _, target := range targets {
		k.ok(entries.Record(k.t.Context(), audit.Entry{Actor: "ann", Action: "reveal", Target: target}))
	}
}

// Every action that the program can write down has words in both languages, and
// can be chosen in the filter.
func TestAuditKnowsItsActions(t *testing.T) {
	t.Parallel()
	en, zh := readTexts(t, "en"), readTexts(t, "zh")
	constant := regexp.MustCompile(`\b(?:audit\.)?Action += "(\w+)"`)
	found := map[string]bool{}
	for _, root := range []string{"../../service", "../../cli"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, match := range constant.FindAllSubmatch(source, -1) {
				found[string(match[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 30 {
		t.Fatalf("only %d actions were found in the sources", len(found))
	}
	for action := range found {
		if en["action."+action] == "" || zh["action."+action] == "" {
			t.Errorf("%s has no words in both languages", action)
		}
	}
	page := newPanelKit(t, panelKitOptions{}).as("admin").get("/admin/audit?action=of_another_version").body
	for action := range found {
		if !strings.Contains(page, `<option value="`+action+`">`) {
			t.Errorf("%s cannot be chosen", action)
		}
	}
	if !strings.Contains(page, `<option value="of_another_version" selected>`) {
		t.Error("the filter forgets an action that it does not know")
	}
}
