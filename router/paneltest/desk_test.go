package paneltest_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
)

// happened adds rows to the history, a second apart, the first the oldest.
func (k *panelKit) happened(rows ...model.History) {
	k.t.Helper()
	now, err := k.store.Now(k.t.Context())
	k.ok(err)
	for i, h := range rows {
		h.AttemptID = keeper.NewID()
		if h.AtMs == 0 {
			h.AtMs = now - int64(len(rows)-i)*1000
		}
		k.ok(k.store.AddHistory(k.t.Context(), h))
	}
}

// lines reads a CSV answer without its byte order mark.
func lines(t *testing.T, r reply) [][]string {
	t.Helper()
	body, marked := strings.CutPrefix(r.body, "\uFEFF")
	if !marked {
		t.Error("without a byte order mark Excel reads Chinese as something else")
	}
	table, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// All rows of the filter, more than one chunk of them, and each once.
func TestExport(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	rows := make([]model.History, 2300)
	for i := range rows {
		rows[i] = model.History{
			AppID: "wxa", Kind: "jsapi", TriggerName: "schedule", Outcome: "renewed", Version: int64(i), Actor: "r",
			AtMs: int64(1_700_000_000_000 + i/3),
		}
	}
	k.happened(rows...)
	k.happened(model.History{
		AppID: "wxb", Kind: "jsapi", TriggerName: "schedule", Outcome: "failed", Errcode: -1,
		Errmsg: "系统繁忙 — 稍后再试", Actor: "r",
	})
	viewer := k.as("viewer")
	r := viewer.get("/admin/history.csv?account=wxa")
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		!regexp.MustCompile(`^attachment; filename="wxsign-history-\d{8}-\d{6}\.csv"$`).MatchString(r.Header.Get("Content-Disposition")) {
		t.Errorf("%d, %v", r.StatusCode, r.Header)
	}
	table := lines(t, r)
	if len(table) != len(rows)+1 {
		t.Fatalf("%d lines, want %d and a head", len(table), len(rows))
	}
	for i, line := range table[1:] {
		if want := fmt.Sprint(len(rows) - 1 - i); line[4] != want {
			t.Fatalf("line %d has version %s, want %s", i+1, line[4], want)
		}
	}
	table = lines(t, viewer.get("/admin/history.csv?outcome=failed"))
	if len(table) != 2 || table[1][8] != "-1" || table[1][9] != "系统繁忙" || table[1][10] != "稍后再试" ||
		!strings.HasSuffix(table[1][1], "+08:00") {
		t.Errorf("the failed ones: %q", table)
	}
	if table = lines(t, viewer.get("/admin/history.csv?account=nobody")); len(table) != 1 {
		t.Errorf("nothing: %q", table)
	}
	if r = viewer.get("/admin/history.csv?kind=x"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("a filter that is none: %d", r.StatusCode)
	}
}

// No cell of a file that people open in a spreadsheet is a formula.
func TestExportHoldsNoFormula(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	for _, text := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", `=HYPERLINK("http://evil.example","x")`} {
		k.happened(model.History{
			AppID: text, Kind: "jsapi", TriggerName: "schedule", Outcome: "failed", Errmsg: text + " — " + text,
			Actor: text, RID: text, Fingerprint: "0badcafe",
		})
	}
	for i, line := range lines(t, k.as("admin").get("/admin/history.csv"))[1:] {
		for _, column := range []int{2, 6, 9, 10, 11} {
			if !strings.HasPrefix(line[column], "'") {
				t.Errorf("line %d: the cell %q could be a formula", i+1, line[column])
			}
		}
		if strings.HasPrefix(line[8], "'") {
			t.Error("a number became a text")
		}
	}
}

func TestHistoryRowPage(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	row := func(outcome string, errcode int, text string, version int64) model.History {
		return model.History{
			AppID: "wxa", Kind: "access_token", TriggerName: "schedule", Outcome: outcome, Errcode: errcode, Errmsg: text,
			Version: version, Actor: "host/1/0badcafe", RID: "6553a1c2-1d2e3f40", LatencyMs: 88, Fingerprint: "0badcafe",
		}
	}
	k.happened(row("renewed", 0, "", 1), row("failed", 40164, "errcode 40164: invalid ip 203.0.113.7 — add it", 1), row("renewed", 0, "", 2))
	k.happened(model.History{AppID: "wxother", Kind: "access_token", TriggerName: "probe", Outcome: "failed", Actor: "r"})
	viewer := k.as("viewer")
	body := viewer.get("/admin/history/2").body
	for _, want := range []string{
		"address not in the IP whitelist", "40164", "6553a1c2-1d2e3f40", "88 ms", "host/1/0badcafe",
		"it was due", "What came next", `href="/admin/history/1"`, `href="/admin/history/3"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "wxother") {
		t.Error("another account's row is called a neighbour")
	}
	for _, path := range []string{"99", "0", "-1", "x", "99999999999999999999"} {
		if r := viewer.get("/admin/history/" + path); r.StatusCode != http.StatusNotFound {
			t.Errorf("row %s: %d", path, r.StatusCode)
		}
	}
}

// Who overwrote my token: the interval, who found out, and what mended it.
func TestLosses(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	const hour = 3_600_000
	now, err := k.store.Now(t.Context())
	k.ok(err)
	row := func(at int64, app, trigger, outcome string, version int64, fingerprint string) model.History {
		h := model.History{AtMs: at, AppID: app, Kind: "access_token", TriggerName: trigger, Outcome: outcome, Version: version, Actor: "host/1/0badcafe", Fingerprint: fingerprint}
		if outcome == "failed" {
			h.Errcode = 40001
		}
		return h
	}
	k.happened(
		row(now-9*hour, "wxa", "schedule", "renewed", 7, "aaaaaaaa"), row(now-8*hour, "wxa", "probe", "failed", 7, "aaaaaaaa"),
		row(now-8*hour+1000, "wxa", "probe", "renewed", 8, "bbbbbbbb"),
		row(now-5*hour, "wxb", "report", "failed", 3, "cccccccc"), // whose birth is not kept, and which nothing mended
		row(now-4*hour, "wxc", "report", "failed", 3, ""),         // an attempt to renew that failed: no loss
	)
	viewer := k.as("viewer")
	body := viewer.get("/admin/history/overwritten").body
	for _, want := range []string{
		"token v7", "Within these 1:00:00", "A probe found it dead", "v8", "A report found it dead",
		"No new one yet", "How to find who it is",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "wxc") {
		t.Error("an attempt that failed is called a loss")
	}
	if strings.Index(body, "wxb") > strings.Index(body, "wxa") {
		t.Error("the newest does not come first")
	}
	if body = viewer.get("/admin/history/overwritten?account=wxb").body; strings.Contains(body, "token v7") ||
		!strings.Contains(body, "token v3") {
		t.Error("the filter does not hold")
	}
	if body = viewer.get("/admin/history/overwritten?account=nobody").body; !strings.Contains(body, "No token has died") {
		t.Error("where nothing was lost the page does not say so")
	}
}

// checked posts a case and returns the answer.
func (v visitor) checked(fields ...string) reply {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.send(http.MethodPost, "/admin/checker", form)
}

func TestChecker(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer := k.as("viewer")
	const at = 1760000000
	sign := func(address string) string {
		return signature.Sign(secret.New(checkedTicket), checkedNonce, at, address)
	}
	object := func(address string) string {
		return fmt.Sprintf(`wx.config({debug: true, appId: '%s', timestamp: %d, nonceStr: '%s', signature: '%s', jsApiList: []})`,
			checkedApp, at, checkedNonce, sign(address))
	}
	for name, c := range map[string]struct {
		fields []string
		status int
		want   []string
	}{
		"right": {
			[]string{"paste", object(checkedURL), "url", checkedURL},
			200,
			[]string{"The signature is right", "jsapi_ticket=***&amp;noncestr=" + checkedNonce},
		},
		"the answer of ours": {[]string{"paste", fmt.Sprintf(`{"appId":%q,"timestamp":%d,"nonceStr":%q,"signature":%q,"url":%q}`, checkedApp, at, checkedNonce, sign(checkedURL), checkedURL)}, 200, []string{"The signature is right"}},
		"html": {
			[]string{"paste", object("https://h5.example.com/a?b=1&amp;c=2"), "url", checkedURL},
			200,
			[]string{"&amp;amp; was signed in place of", "<del>&amp;amp;</del>", "<ins>&amp;</ins>"},
		},
		"another page": {
			[]string{
				"paste", object("https://h5.example.com/b") + ` {"realAuthUrl":"[` + checkedURL + `, ` + checkedURL + `]"}`, "signed",
				"https://h5.example.com/b",
			},
			200,
			[]string{"Another URL was signed than the page has", "sign location.href of that very page", "The paths differ"},
		},
		"by fields": {[]string{
			"account", checkedApp, "url", checkedURL, "nonce", checkedNonce, "timestamp", fmt.Sprint(at), "signature",
			sign("https://h5.example.com/a"),
		}, 200, []string{"The query string was left out"}},
		"token": {
			[]string{"url", checkedURL, "nonce", checkedNonce, "timestamp", fmt.Sprint(at), "signature", signature.Sign(secret.New(checkedToken), checkedNonce, at, checkedURL)},
			200,
			[]string{"access_token was used in place of"},
		},
		"another domain": {[]string{
			"account", checkedApp, "url", "https://evil.example/", "nonce", "n", "timestamp", "1", "signature",
			"x",
		}, 200, []string{"invalid url domain", "not 40 hexadecimal"}},
		"no account": {
			[]string{"url", "https://evil.example/", "nonce", "n", "timestamp", "1", "signature", "x"},
			422,
			[]string{"No account has this page"},
		},
		"stranger": {
			[]string{"account", "wxnobody", "url", checkedURL, "nonce", "n", "timestamp", "1", "signature", "x"},
			422,
			[]string{"No account has this AppID"},
		},
		"incomplete": {[]string{"url", checkedURL}, 422, []string{"are needed"}},
		"nothing":    {[]string{"paste", "hello"}, 422, []string{"Nothing of a signature"}},
		"empty":      {nil, 422, []string{"are needed"}},
		"no url": {
			[]string{"url", "h5.example.com", "nonce", "n", "timestamp", "1", "signature", "x"},
			422,
			[]string{"cannot be understood"},
		},
		"milliseconds": {[]string{
			"url", checkedURL, "nonce", checkedNonce, "timestamp", fmt.Sprint(at) + "000", "signature",
			sign(checkedURL),
		}, 200, []string{"The timestamp is in milliseconds"}},
	} {
		r := viewer.checked(c.fields...)
		if r.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", name, r.StatusCode, c.status)
		}
		for _, want := range c.want {
			if !strings.Contains(r.body, want) {
				t.Errorf("%s: the page does not say %q", name, want)
			}
		}
	}
}

// The ticket is looked at and never shown, not even to who pasted it.
func TestCheckerKeepsTheTicket(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer := k.as("viewer")
	for _, ticket := range []string{checkedTicket, "a-ticket-of-another-program"} {
		string1 := "jsapi_ticket=" + ticket + "&noncestr=" + checkedNonce + "&timestamp=1760000000&url=" + checkedURL
		for _, paste := range []string{
			string1, string1 + "\nsignature: " + strings.Repeat("a", 40), `{"jsapi_ticket": "` + ticket + `"}`,
			"jsapi_ticket: '" + ticket + "'",
		} {
			r := viewer.checked("paste", paste, "signature", strings.Repeat("a", 40), "url", checkedURL)
			if strings.Contains(r.body, ticket) || strings.Contains(r.body, checkedTicket) || strings.Contains(r.body, checkedToken) {
				t.Errorf("the page shows a ticket that was pasted as %.30q", paste)
			}
		}
	}
	string1 := "jsapi_ticket=old&noncestr=" + checkedNonce + "&timestamp=1760000000&url=" + checkedURL
	if r := viewer.checked("paste", string1, "signature", strings.Repeat("a", 40)); !strings.Contains(r.body,
		"pasted ticket is not the one that is live") {
		t.Error("an old ticket is not recognised")
	}
}

func (k *panelKit) report(app, client, verdict, detail string) {
	k.t.Helper()
	k.ok(k.store.AddQAReport(k.t.Context(), model.QAReport{
		AppID: app, Profile: "default", PageURL: "https://h5.example.com/页?x=" + client, Client: client, Verdict: verdict, Detail: detail,
		UserAgent: "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50 " + client,
	}, 1000))
}

func TestQAPages(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer := k.as("viewer")
	if r := viewer.get("/admin/qa"); !strings.Contains(r.body, "No report yet") {
		t.Error("without reports the page does not say what to do")
	}
	for range 60 {
		k.report("wxa", "android", "ok", `{"errMsg":"config:ok","ms":412}`)
	}
	k.report("wxb", "simulated ios", "failed",
		`{"step":"verify","code":"invalid_signature","errMsg":"config:invalid signature",`+
			`"urls":["https://h5.example.com/","https://h5.example.com/a?b=%2f"],`+
			`"realAuthUrl":"[https://h5.example.com/a?b=%2F, x]"}`)
	rows := regexp.MustCompile(`<td role="cell" class="mono lead"`)
	for path, want := range map[string]int{
		"": 50, "?account=wxa": 50, "?account=wxb": 1, "?verdict=failed": 1,
		"?client=simulated+ios": 1, "?client=ios": 0, "?agent=micromessenger%2F8": 50,
		"?agent=%25": 0, "?agent=IOS": 1, "?verdict=ok&account=wxb": 0,
		"?from=2020-01-01&to=2021-01-01": 0, "?from=2020-01-01": 50, "?before=11": 10,
	} {
		r := viewer.get("/admin/qa" + path)
		if got := len(rows.FindAllString(r.body, -1)); r.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d with %d reports, want %d", path, r.StatusCode, got, want)
		}
	}
	for path, want := range map[string]int{
		"?verdict=x": 422, "?client=x": 422, "?before=x": 404, "?before=-1": 404, "?from=x": 422,
		"/999": 404, "/x": 404,
	} {
		if r := viewer.get("/admin/qa" + path); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	body := viewer.get("/admin/qa/61").body
	for _, want := range []string{
		"config:invalid signature", "iOS (simulated)", "<del>%2f</del>", "<ins>%2F</ins>", "small letters",
		"invalid_signature",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// Whatever a device sends, the report is text.
func TestQAHostileReports(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	for _, detail := range []string{
		`{"errMsg":` + fmt.Sprintf("%q", script) + `,"urls":["javascript:alert(1)",` + fmt.Sprintf("%q",
			script) + `],"realAuthUrl":["` + `x"]}`,
		script, `{"urls":5}`, `{"realAuthUrl":{"a":1}}`, `[]`, `null`, `{"ms":1e308}`, `{"realAuthUrl":[5]}`, "", strings.Repeat("[", 2000),
	} {
		k.report(script, script, "failed", detail)
	}
	viewer := k.as("viewer")
	for i := range 11 {
		path := "/admin/qa"
		if i > 0 {
			path = fmt.Sprint("/admin/qa/", i)
		}
		r := viewer.get(path)
		if r.StatusCode != http.StatusOK || strings.Contains(r.body, "<script>") || strings.Contains(r.body, "<img") ||
			strings.Contains(r.body, `href="javascript`) {
			t.Errorf("%s: %d, or hostile text became markup", path, r.StatusCode)
		}
	}
}
