package paneltest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
)

const ownPath = "/admin/accounts/" + ownID

// submit sends a form and wants an answer of this status.
func (v visitor) submit(status int, path string, form url.Values) reply {
	v.t.Helper()
	r := v.send(http.MethodPost, path, form)
	if r.StatusCode != status {
		v.t.Fatalf("POST %s: %d to %s, want %d\n%s", path, r.StatusCode, r.Header.Get("Location"), status, r.body)
	}
	return r
}

func (r reply) says(t *testing.T, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(r.body, want) {
			t.Errorf("%s does not say %q", r.Request.URL, want)
		}
	}
}

func (k *panelKit) account(appID string) model.Account {
	k.t.Helper()
	row, err := k.store.Account(k.t.Context(), appID)
	k.ok(err)
	return row
}

// audited are the newest n actions of the audit log, the newest first.
func (k *panelKit) audited(n int) []string {
	k.t.Helper()
	rows, _, err := k.store.AuditPage(k.t.Context(), model.AuditFilter{}, model.AuditKey{}, n)
	k.ok(err)
	var actions []string
	for _, row := range rows {
		actions = append(actions, row.Actor+" "+row.Action+" "+row.Target)
	}
	return actions
}

// accountForm are the fields of an account's form.
func accountForm(appID string) url.Values {
	return url.Values{
		"platform": {"official_account"}, "app_id": {appID}, "secret": {goodKey}, "name": {"新店"}, "token_mode": {"stable"}, "tickets": {"jsapi"},
		"domains": {"h5.example.com\r\n*.example.org, shop.example.com:8443/h5"}, "profile.0.name": {"default"},
		"profile.0.apis": {`["updateAppMessageShareData", "checkJsApi"]`}, "profile.1.name": {"scan"}, "profile.1.apis": {"scanQRCode"},
		"profile.1.tags": {"wx-open-launch-weapp"}, "profile.1.debug": {"1"}, "profile.2.name": {""}, "profile.2.apis": {""},
	}
}

// Every route of the accounts × every role; what changes something is for
// administrators.
func TestAccountRoutesByRole(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	k.seedAccount(shopID, model.OriginFile)
	file := "/admin/accounts/" + shopID
	visitors := map[string]visitor{"": k.as(""), "new": k.as("new"), "viewer": k.as("viewer"), "admin": k.as("admin")}
	seen := roles("in", "choose", "200", "200")
	acted := func(admin string) map[string]string { return roles("in", "choose", "403", admin) }
	for _, route := range []struct {
		method, path string
		want         map[string]string
	}{
		{"GET", ownPath, seen},
		{"HEAD", ownPath, seen},
		{"GET", ownPath + "?span=90d", seen},
		{"GET", file, seen},
		{"GET", "/admin/accounts/nobody", roles("in", "choose", "404", "404")},
		{"GET", "/admin/accounts/", all("404")},
		{"GET", ownPath + "/timeline?span=7d", seen},
		{"GET", "/admin/accounts/nobody/timeline", roles("in", "choose", "404", "404")},
		{"GET", "/admin/new-account", acted("200")},
		{"POST", "/admin/new-account", acted("422")},
		{"GET", ownPath + "/edit", acted("200")},
		{"POST", ownPath + "/edit", acted("409")}, // of a revision that is not the present one
		{"GET", file + "/edit", acted("409")},
		{"POST", file + "/edit", acted("409")},
		{"GET", ownPath + "/secret", acted("200")},
		{"GET", file + "/secret", acted("409")},
		{"POST", ownPath + "/secret/enter", acted("422")},
		{"POST", ownPath + "/secret/test", acted("409")},
		{"POST", ownPath + "/secret/switch", acted("409")},
		{"POST", ownPath + "/secret/back", acted("409")},
		{"POST", ownPath + "/secret/discard", acted("409")},
		{"POST", ownPath + "/secret/forget", acted("409")},
		{"POST", ownPath + "/secret/steal", acted("404")},
		{"POST", file + "/secret/enter", acted("409")},
		{"POST", ownPath + "/refresh", acted("422")},
		{"POST", ownPath + "/reveal", acted("422")},
		{"POST", "/admin/accounts/nobody/reveal", acted("404")},
		{"POST", ownPath + "/enable", acted("409")},
		{"POST", ownPath + "/disable", acted("409")},
		{"POST", file + "/disable", acted("409")},
		{"GET", ownPath + "/delete", acted("200")},
		{"POST", ownPath + "/delete", acted("422")},
		{"GET", file + "/delete", acted("409")},
		{"POST", file + "/delete", acted("409")},
		{"POST", ownPath + "/files", acted("422")},
		{"POST", ownPath + "/files/remove", acted("404")},
		{"GET", ownPath + "/refresh", all("405")},
		{"GET", ownPath + "/reveal", all("405")},
		{"DELETE", ownPath, all("405")},
	} {
		for role, v := range visitors {
			var form url.Values
			if route.method == http.MethodPost {
				form = url.Values{"rev": {"99"}, "token_mode": {"stable"}, "domains": {"://"}, "typed": {"no"}, "name": {"x"}}
				if strings.HasPrefix(route.path, file) && strings.HasSuffix(route.path, "/edit") {
					form.Del("domains")
				}
			}
			r := v.send(route.method, route.path, form)
			got := fmt.Sprint(r.StatusCode)
			switch where := r.Header.Get("Location"); {
			case strings.HasPrefix(where, "/admin/sign-in"):
				got = "in"
			case where == "/admin/password":
				got = "choose"
			}
			if got != route.want[role] {
				t.Errorf("%s %s as %q: %s, want %s", route.method, route.path, role, got, route.want[role])
			}
		}
	}
	for _, path := range []string{
		ownPath + "/refresh", ownPath + "/reveal", ownPath + "/disable", ownPath + "/secret/enter",
		"/admin/new-account",
	} {
		if r := visitors["admin"].send(http.MethodPost, path, url.Values{}, header("Sec-Fetch-Site", "cross-site")); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, r.StatusCode)
		}
	}
	if page := visitors["viewer"].get(ownPath).body; strings.Contains(page, "<form method=\"post\" action=\"/admin/accounts/") ||
		strings.Contains(page, "/edit") {
		t.Error("a viewer is offered what a viewer may not do")
	}
	if page := visitors["admin"].get(file).body; strings.Contains(page, "/edit") || strings.Contains(page, "/disable") ||
		!strings.Contains(page, "config.toml") {
		t.Error("an account of the file is offered to be edited")
	}
	if got := k.account(ownID); got.ConfigRev != 1 || len(k.wechat.asked()) != 0 {
		t.Errorf("something was done: revision %d, %v", got.ConfigRev, k.wechat.asked())
	}
}

// An account from its first form to its last, without JavaScript.
func TestAccountLife(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	const path = "/admin/accounts/wx00000000000000aa"
	r := admin.submit(http.StatusSeeOther, "/admin/new-account", accountForm("wx00000000000000aa"))
	if where := r.Header.Get("Location"); where != path+"?done=created" {
		t.Errorf("to %s", where)
	}
	admin.get(path+"?done=created").says(t, "The account is made.", "新店", "shop.example.com:8443/h5", "being fetched", "scanQRCode",
		"Nothing happened in this time")
	row := k.account("wx00000000000000aa")
	if diff := cmp.Diff(model.Strings{"h5.example.com", "*.example.org", "shop.example.com:8443/h5"}, row.Domains); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(model.Profiles{
		"default": {JSAPIList: []string{"updateAppMessageShareData", "checkJsApi"}},
		"scan":    {JSAPIList: []string{"scanQRCode"}, OpenTagList: []string{"wx-open-launch-weapp"}, Debug: true},
	}, row.Profiles); diff != "" {
		t.Error(diff)
	}
	if r := admin.submit(http.StatusUnprocessableEntity, "/admin/new-account",
		accountForm("wx00000000000000aa")); !strings.Contains(r.body, "another account") || strings.Contains(r.body, goodKey) {
		t.Error("the same AppID twice")
	}

	page := admin.get(path + "/edit")
	page.says(t, `value="新店"`, "shop.example.com:8443/h5", `name="profile.1.name" value="scan"`, `name="rev" value="1"`)
	form := accountForm("wxsomethingelse") // the AppID of a form counts for nothing
	form.Set("rev", "1")
	if where := admin.submit(http.StatusSeeOther, path+"/edit", form).Header.Get("Location"); where != path+"?done=same" {
		t.Errorf("an edit without a change leads to %s", where)
	}
	form.Set("name", "老店")
	form.Set("profile.1.drop", "1")
	form.Set("more", "1")
	admin.submit(http.StatusOK, path+"/edit", form).says(t, `value="老店"`, "data-drop")
	if k.account("wx00000000000000aa").ConfigRev != 1 {
		t.Error("room for another profile saved the form")
	}
	form.Del("more")
	admin.submit(http.StatusSeeOther, path+"/edit", form)
	if row := k.account("wx00000000000000aa"); row.Name != "老店" || len(row.Profiles) != 1 || row.ConfigRev != 2 {
		t.Errorf("after the edit: %+v", row)
	}

	admin.submit(http.StatusConflict, path+"/disable", url.Values{"rev": {"1"}}).says(t, "somebody else has changed this account")
	admin.submit(http.StatusSeeOther, path+"/disable", url.Values{"rev": {"2"}})
	admin.get(path).says(t, "disabled", "Enable", path+"/delete")
	admin.submit(http.StatusUnprocessableEntity, path+"/delete", url.Values{"rev": {"3"}, "typed": {"wx"}}).says(t, "not the AppID")
	admin.submit(http.StatusSeeOther, path+"/enable", url.Values{"rev": {"3"}})
	admin.submit(http.StatusConflict, path+"/delete", url.Values{"rev": {"4"}, "typed": {"wx00000000000000aa"}}).says(t,
		"Disable the account first")
	admin.submit(http.StatusSeeOther, path+"/disable", url.Values{"rev": {"4"}})
	admin.submit(http.StatusConflict, path+"/delete", url.Values{"rev": {"4"}, "typed": {"wx00000000000000aa"}}).
		says(t, "somebody else has changed")
	if where := admin.submit(http.StatusSeeOther, path+"/delete", url.Values{
		"rev":   {"5"},
		"typed": {" wx00000000000000aa "},
	}).Header.Get("Location"); where != "/admin/?deleted=1" {
		t.Errorf("after the deletion: %s", where)
	}
	if r := admin.get(path); r.StatusCode != http.StatusNotFound {
		t.Errorf("the deleted account: %d", r.StatusCode)
	}
	want := []string{"delete_account", "disable_account", "enable_account", "disable_account", "edit_account", "create_account"}
	for i, line := range k.audited(len(want)) {
		if !strings.HasPrefix(line, "person-admin "+want[i]+" wx00000000000000aa") {
			t.Errorf("audit entry %d: %s, want %s", i, line, want[i])
		}
	}
}

func TestAccountOfWeCom(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	form := accountForm("")
	form.Set("platform", "wecom")
	form.Set("corp_id", "ww00000000000000")
	form.Set("agent_id", "1000002")
	form["tickets"] = []string{"jsapi", "agent_config"}
	const path = "/admin/accounts/ww00000000000000:1000002"
	if where := admin.submit(http.StatusSeeOther, "/admin/new-account", form).Header.Get("Location"); where != path+"?done=created" {
		t.Fatalf("to %s", where)
	}
	admin.get(path).says(t, "WeCom", "agent_config ticket", "ww00000000000000:1000002")
	admin.get(path+"/timeline").says(t, `"kind":"agent_config"`)
	form.Set("name", "x")
	form.Set("rev", "1")
	admin.submit(http.StatusSeeOther, path+"/edit", form)
	form.Set("agent_id", "one")
	admin.submit(http.StatusUnprocessableEntity, "/admin/new-account", form).says(t, `value="one"`, "above 0")
}

// Nothing typed is lost but the AppSecret, and each fault stands beside its
// field, in both languages.
func TestAccountFormFaults(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	form := accountForm("wx/1")
	form.Set("secret", "a secret with blanks")
	form.Set("name", strings.Repeat("长", 50))
	form.Set("domains", "https://h5.example.com\nok.example.com\n*.*.x")
	form.Set("profile.1.name", "Scan Code")
	form.Set("profile.2.name", "again")
	form.Set("profile.2.apis", "a b b 1c")
	form.Set("profile.3.name", "empty")
	r := admin.submit(http.StatusUnprocessableEntity, "/admin/new-account", form)
	r.says(t, "Nothing is saved yet", `value="wx/1"`, "“wx/1” is not an id of WeChat", strings.Repeat("长", 50), "longer than 100 bytes",
		"ok.example.com", "“https://h5.example.com” is not a domain; write the host without https://", "Holds blanks",
		"“Scan Code” is not a name for a profile", "“1c” is not a name of WeChat&#39;s JS-SDK", "Asks for nothing")
	if strings.Contains(r.body, "a secret with blanks") {
		t.Error("the AppSecret came back")
	}
	chinese := admin.send(http.MethodPost, "/admin/new-account", form, header("Accept-Language", "zh"))
	chinese.says(t, "尚未保存", "“wx/1” 不是微信的 ID", "不是域名", "没有任何内容")
	if strings.Contains(chinese.body, "is not a") {
		t.Error("a fault is told in English on a Chinese page")
	}
	form = accountForm("wx1")
	form.Set("profile.1.name", "default")
	admin.submit(http.StatusUnprocessableEntity, "/admin/new-account", form).says(t, "“default” is there already")
	if r := admin.send(http.MethodPost, "/admin/new-account", url.Values{"domains": {strings.Repeat("x", 300<<10)}}); r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 300 KiB: %d", r.StatusCode)
	}
}

// Somebody else has saved meanwhile: what is stored stands beside what was
// typed, and saving again is a choice.
func TestAccountEditOvertaken(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	ann := k.as("admin")
	bob := ann // in another window
	form := accountForm(ownID)
	form.Set("rev", "1")
	form.Set("name", "by bob")
	bob.submit(http.StatusSeeOther, ownPath+"/edit", form)
	form.Set("name", "by ann")
	form.Set("domains", "ann.example.com")
	r := ann.submit(http.StatusConflict, ownPath+"/edit", form)
	r.says(t, "saving again overwrites", `value="by ann"`, "ann.example.com</textarea>", `name="rev" value="2"`, "by bob",
		"h5.example.com *.example.org")
	if strings.Contains(r.body, "<dt>Tickets") || k.account(ownID).Name != "by bob" {
		t.Error("fields that are equal are listed, or something was saved")
	}
	form.Set("rev", "2")
	ann.submit(http.StatusSeeOther, ownPath+"/edit", form)
	if got := k.account(ownID); got.Name != "by ann" || got.ConfigRev != 3 {
		t.Errorf("%+v", got)
	}
}

func TestAccountSecretRotation(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	admin := k.as("admin")
	const path = ownPath + "/secret"
	step := func(status int, step string, form url.Values, words ...string) {
		t.Helper()
		r := admin.submit(status, path+"/"+step, form)
		if status == http.StatusSeeOther {
			r = admin.get(r.Header.Get("Location"))
		}
		r.says(t, words...)
		for _, secret := range []string{goodKey, "bad0123", "good-old"} {
			if strings.Contains(r.body, secret) {
				t.Errorf("%s shows an AppSecret", step)
			}
		}
	}
	inUse := func() string {
		opened, err := k.ring.Open(k.account(ownID).SecretEnc, keeper.AppSecretPlace(ownID))
		k.ok(err)
		return opened.Reveal()
	}
	step(http.StatusUnprocessableEntity, "enter", url.Values{"secret": {"good-old"}}, "in use already")
	step(http.StatusSeeOther, "enter", url.Values{"secret": {"bad0123"}}, "40001", "wrong AppSecret", "WeChat refused the AppSecret.",
		secret.New("bad0123").Fingerprint(), "Test again")
	step(http.StatusConflict, "switch", url.Values{"rev": {"1"}}, "has not accepted")
	step(http.StatusSeeOther, "discard", nil, "forgotten")
	step(http.StatusConflict, "test", nil, "no such AppSecret")
	step(http.StatusSeeOther, "enter", url.Values{"secret": {goodKey}}, "WeChat accepted it", "Use it from now on")
	step(http.StatusSeeOther, "test", nil, "WeChat accepted it")
	admin.get(ownPath).says(t, "a new one waits")
	step(http.StatusConflict, "switch", url.Values{"rev": {"9"}}, "somebody else has changed")
	step(http.StatusSeeOther, "switch", url.Values{"rev": {"1"}}, "The new AppSecret is in use", secret.New("good-old").Fingerprint(),
		"Go back to it")
	if inUse() != goodKey {
		t.Error("the new AppSecret is not in use")
	}
	step(http.StatusSeeOther, "back", url.Values{"rev": {"2"}}, "in use again")
	if inUse() != "good-old" {
		t.Error("the AppSecret before is not in use")
	}
	step(http.StatusSeeOther, "forget", nil, "is forgotten")
}

func TestAccountRefresh(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	admin := k.as("admin")
	form := url.Values{"kind": {"jsapi"}, "reason": {"  pages fail  "}}
	r := admin.submit(http.StatusSeeOther, ownPath+"/refresh", form)
	admin.get(r.Header.Get("Location")).says(t, "jsapi_ticket: a new value is in use.", "0 of 20 force refreshes used today")
	if diff := cmp.Diff([]string{ownID + "|jsapi|person-admin|pages fail"}, k.wechat.asked()); diff != "" {
		t.Error(diff)
	}
	if got := k.audited(1)[0]; got != "person-admin refresh "+ownID+" jsapi: pages fail" {
		t.Errorf("audit entry %q", got)
	}
	for _, result := range []string{keeper.ResultAlive, keeper.ResultCurrent, keeper.ResultUnchanged} {
		k.wechat.answer(result, nil)
		r := admin.submit(http.StatusSeeOther, ownPath+"/refresh", form)
		admin.get(r.Header.Get("Location")).says(t, `<p class="note good" role="status">jsapi_ticket`)
	}
	for _, c := range []struct {
		err    error
		status int
		words  string
	}{
		{keeper.ErrBudgetSpent, http.StatusTooManyRequests, "Today&#39;s force refreshes are used up"},
		{&keeper.RefreshFailed{Reason: "tried less than 30s ago", RetryAfter: 30 * time.Second}, http.StatusServiceUnavailable, "tried less than 30s ago"},
		{keeper.ErrAccountUnknown, http.StatusConflict, "does not know the account"},
		{fmt.Errorf("x: %w", keeper.ErrNotReady), http.StatusServiceUnavailable, "no live value at the moment"},
		{keeper.ErrAccountDisabled, http.StatusConflict, "The account is disabled"},
	} {
		k.wechat.answer("", c.err)
		admin.submit(c.status, ownPath+"/refresh", form).says(t, c.words, `value="pages fail"`, `<option value="jsapi" selected`)
	}
	asked := len(k.wechat.asked())
	admin.submit(http.StatusUnprocessableEntity, ownPath+"/refresh", url.Values{"kind": {"jsapi"}}).says(t, "Write why you refresh")
	admin.submit(http.StatusNotFound, ownPath+"/refresh", url.Values{"kind": {"wx_card"}, "reason": {"x"}})
	if len(k.wechat.asked()) != asked {
		t.Error("WeChat was asked without a reason, or for what the account does not keep")
	}
	long := admin.submit(http.StatusTooManyRequests, ownPath+"/refresh", func() url.Values {
		k.wechat.answer("", keeper.ErrBudgetSpent)
		return url.Values{"kind": {"jsapi"}, "reason": {strings.Repeat("因", 200)}}
	}())
	if strings.Contains(long.body, strings.Repeat("因", 81)) {
		t.Error("a reason longer than its column was taken")
	}
}

func TestAccountReveal(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	admin := k.as("admin")
	if page := admin.get(ownPath).body; strings.Contains(page, "the-live-") {
		t.Error("the page shows a value")
	}
	r := admin.submit(http.StatusOK, ownPath+"/reveal", url.Values{"kind": {"access_token"}, "reason": {"compare"}})
	r.says(t, "the-live-access_token", secret.New("the-live-access_token").Fingerprint(), "written to the audit log")
	if r.Header.Get("Cache-Control") != "no-store" || strings.Contains(r.body, "reveal?") {
		t.Errorf("Cache-Control %q", r.Header.Get("Cache-Control"))
	}
	if got := k.audited(1)[0]; got != "person-admin reveal "+ownID+" access_token: compare" {
		t.Errorf("audit entry %q", got)
	}
	admin.submit(http.StatusUnprocessableEntity, ownPath+"/reveal", url.Values{"kind": {"jsapi"}}).says(t, "Write why you need the value")
}

func TestAccountTimeline(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	viewer := k.as("viewer")
	var chart struct {
		From, To, Begin int64
		Offset          int
		Outcomes        []struct{ Name, Text string }
		Lanes           []struct {
			Kind, Text string
			Lives      [][2]int64
			Moments    [][7]int64
		}
	}
	r := viewer.get(ownPath+"/timeline?span=7d", header("Accept-Language", "zh"))
	k.ok(json.Unmarshal([]byte(r.body), &chart))
	if chart.To-chart.From != 7*24*3_600_000 || chart.Begin != chart.From || chart.Offset != 8*3600 || len(chart.Lanes) != 2 ||
		chart.Outcomes[0].Text != "已更新" && chart.Outcomes[0].Text == "renewed" {
		t.Errorf("chart %+v", chart)
	}
	lane := chart.Lanes[0]
	failed := slices.IndexFunc(chart.Outcomes, func(o struct{ Name, Text string }) bool { return o.Name == model.OutcomeFailed })
	bad := 0
	for _, m := range lane.Moments {
		if int(m[1]) == failed {
			bad++
		}
	}
	if lane.Kind != "access_token" || bad == 0 || len(lane.Lives) < 2 {
		t.Errorf("lane %s: %d failures, lives %v", lane.Kind, bad, lane.Lives)
	}
	page := viewer.get(ownPath + "?span=7d")
	page.says(t, "The same in numbers", "40164", "without a live value for up to", `data-src="/admin/accounts/`+ownID+`/timeline?span=7d"`)
	if rows := regexp.MustCompile(`<th scope="row"`).FindAllString(page.body, -1); len(rows) < 3 {
		t.Errorf("%d days in the table", len(rows))
	}
}

func TestAccountVerifyFiles(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(shopID, model.OriginFile) // these may have files, too
	admin := k.as("admin")
	const path = "/admin/accounts/" + shopID
	admin.submit(http.StatusUnprocessableEntity, path+"/files", url.Values{"name": {script}}).says(t, "no verification file", "&lt;script&gt;")
	admin.submit(http.StatusSeeOther, path+"/files", url.Values{"name": {"MP_verify_0123456789abcdef.txt"}})
	admin.get(path).says(t, `href="/MP_verify_0123456789abcdef.txt"`)
	admin.submit(http.StatusSeeOther, path+"/files/remove", url.Values{"name": {"MP_verify_0123456789abcdef.txt"}})
	admin.get(path).says(t, "None.")
}

// Names, reasons and words of WeChat are text, also in the chart's data.
func TestAccountHostileTextStaysText(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	row := k.account(ownID)
	row.Name, row.Domains = script, model.Strings{script}
	row.Profiles = model.Profiles{script: {JSAPIList: []string{script}, OpenTagList: []string{script}}}
	done, err := k.store.UpdateAccount(t.Context(), row, []string{"access_token", "jsapi"})
	k.ok(err)
	if !done {
		t.Fatal("not changed")
	}
	k.ok(k.store.AddHistory(t.Context(), model.History{
		AttemptID: keeper.NewID(), AppID: ownID, Kind: script[:16], TriggerName: script[:16], Actor: script,
		Outcome: model.OutcomeFailed, Errmsg: script,
	}))
	k.ok(k.store.SeeReplica(t.Context(), model.Replica{Name: script, Version: script, Config: "x"}))
	admin := k.as("admin")
	pages := []reply{
		admin.get(ownPath + "?done=" + url.QueryEscape(script) + "&kind=" + url.QueryEscape(script) + "&span=" + url.QueryEscape(script)),
		admin.get(ownPath + "?done=refresh.renewed&kind=" + url.QueryEscape(script)),
		admin.get(ownPath + "/timeline"), admin.get(ownPath + "/edit"),
		admin.get(ownPath + "/secret?done=" + url.QueryEscape(script)), admin.get(ownPath + "/delete"),
		admin.get("/admin/?q=" + url.QueryEscape(script)), admin.get("/admin/?q=" + url.QueryEscape(script[:4])), admin.get("/admin/"),
		admin.submit(http.StatusNotFound, ownPath+"/refresh", url.Values{"kind": {script}, "reason": {script}}),
	}
	k.wechat.answer("", &keeper.RefreshFailed{Reason: script})
	pages = append(pages, admin.submit(http.StatusServiceUnavailable, ownPath+"/refresh", url.Values{"kind": {"jsapi"}, "reason": {script}}))
	form := accountForm(script)
	form.Set("domains", script)
	form.Set("profile.1.name", script)
	form.Set("corp_id", script)
	pages = append(pages, admin.submit(http.StatusUnprocessableEntity, "/admin/new-account", form))
	for _, r := range pages {
		if strings.Contains(r.body, "<script>") || strings.Contains(r.body, "<img") || strings.Contains(r.body, `"'>`) {
			t.Errorf("%s: hostile text became markup", r.Request.URL)
		}
	}
}

// Of many accounts one is found by the beginning of its name or AppID.
func TestOverviewSearch(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seed(12)
	viewer := k.as("viewer")
	viewer.get("/admin/").says(t, `role="search"`)
	if strings.Contains(viewer.get("/admin/").body, "new-account") {
		t.Error("a viewer is offered to make an account")
	}
	found := regexp.MustCompile(`class="account" data-state`)
	for q, want := range map[string]int{
		"账号 3": 1, "wx00000000000000": 12, "WX0000000000000003": 1, "账": 12, "号": 0, "%": 0,
		"' OR 1=1 --": 0, "\xff": 12,
	} {
		r := viewer.get("/admin/?q=" + url.QueryEscape(q))
		if got := len(found.FindAllString(r.body, -1)); got != want || r.StatusCode != http.StatusOK {
			t.Errorf("%q: %d with %d accounts, want %d", q, r.StatusCode, got, want)
		}
	}
}

func TestOverviewReplicas(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer := k.as("viewer")
	if page := viewer.get("/admin/").body; !strings.Contains(page, "this one") || strings.Contains(page, "other configuration") {
		t.Error("a lone replica")
	}
	k.ok(k.store.SeeReplica(t.Context(), model.Replica{Name: "b/2/x", Version: "9.9.9", Config: "same"}))
	if page := viewer.get("/admin/").body; !strings.Contains(page, "9.9.9") || strings.Contains(page, "other configuration") {
		t.Error("two replicas that are alike")
	}
	k.ok(k.store.SeeReplica(t.Context(), model.Replica{Name: "c/3/x", Version: "9.9.9", Config: "different"}))
	viewer.get("/admin/").says(t, "other configuration or master keys", "do not have the same configuration")
}
