package paneltest_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/auth"
	"github.com/wxsign/wxsign/service/history"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// panelKit is a panel on a real database and a real listener.
type panelKit struct {
	t         testing.TB
	store     *model.Store
	people    *auth.Auth
	table     *snapshot.Table // what the checker knows
	routes    gin.RoutesInfo
	wechat    *pretendWeChat // behind the pages of accounts
	ring      *secret.Keyring
	alerts    *alert.Alerts
	receivers []*pretendReceiver // of alerts
	box       *outbox.Outbox     // what is on its way to them
	keys      *apikey.Keys
	pages     http.Handler
	url       string // where they are served
	host      string // of url
}

type panelKitOptions struct {
	publicURL string
	proxies   []string
	visits    *router.Limiter
	troubled  string        // AppID
	status    keeper.Status // zero = one account, all well
}

func newPanelKit(t testing.TB, o panelKitOptions) *panelKit {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	k := &panelKit{t: t, store: modeltest.Open(t, modeltest.Engines()[0])}
	log := slog.New(slog.DiscardHandler)
	entries, err := audit.New(k.store)
	k.ok(err)
	k.people, err = auth.New(auth.Options{Store: k.store, Audit: entries, Logger: log})
	k.ok(err)
	past, err := history.New(k.store)
	k.ok(err)
	accounts := k.newAccounts(entries, log)
	desks := k.newDesks()
	if o.status.Accounts == 0 {
		o.status = keeper.Status{Ready: true, Accounts: 1, Signing: 1, Signable: 1}
	}
	panel, err := handler.NewPanel(handler.PanelOptions{
		Accounts: accounts.editor, VerifyFiles: accounts.files, Budgets: accounts, Fleet: accounts.fleet,
		Checker: desks.checker, Reports: desks.reports, Audit: entries, Alerts: k.newAlerts(entries),
		Deliveries: k.newDeliveries(entries), APIKeys: k.newKeys(entries),
		People: k.people, History: past, Status: func() keeper.Status { return o.status },
		Troubles: func() []keeper.AccountTrouble {
			if o.troubled == "" {
				return nil
			}
			return []keeper.AccountTrouble{{AppID: "nobody", Live: true}, {AppID: o.troubled}}
		},
		Replica: "host/1/0badcafe", Database: "sqlite", Version: "test", PublicURL: o.publicURL, TrustedProxies: o.proxies,
		Location: time.FixedZone("CST", 8*3600),
	})
	k.ok(err)
	admin, err := router.Admin(router.AdminOptions{
		Panel: panel, PublicURL: o.publicURL, TrustedProxies: o.proxies, Visits: o.visits, Logger: log,
	})
	k.ok(err)
	k.routes = admin.(*gin.Engine).Routes()
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page of somebody else") })
	k.pages = router.Beside(pages, admin)
	server := httptest.NewServer(k.pages)
	t.Cleanup(server.Close)
	k.url, k.host = server.URL, strings.TrimPrefix(server.URL, "http://")
	return k
}

func (k *panelKit) ok(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

const panelPassword = "correct horse battery"

// visitor is a browser with cookies that does not follow redirects.
type visitor struct {
	*panelKit
	client *http.Client
}

func (k *panelKit) visitor() visitor {
	k.t.Helper()
	jar, err := cookiejar.New(nil)
	k.ok(err)
	return visitor{k, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	body string
}

func (v visitor) send(method, path string, form url.Values, change ...func(*http.Request)) reply {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	v.ok(err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, c := range change {
		c(request)
	}
	response, err := v.client.Do(request)
	v.ok(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	v.ok(err)
	return reply{response, string(body)}
}

func (v visitor) get(path string, change ...func(*http.Request)) reply {
	v.t.Helper()
	return v.send(http.MethodGet, path, nil, change...)
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

// as is a visitor who has signed in: role is "admin", "viewer", "new" (must
// choose a password) or "" (nobody).
func (k *panelKit) as(role string) visitor {
	k.t.Helper()
	v := k.visitor()
	if role == "" {
		return v
	}
	name := "person-" + role
	if role == "viewer" {
		k.ok(k.store.AddPerson(k.t.Context(), model.Person{Name: name, Role: model.RoleViewer, Enabled: true}, 0))
	}
	oneTime, err := k.people.ResetPassword(k.t.Context(), name)
	k.ok(err)
	v.signIn(name, oneTime.Reveal())
	if role == "new" {
		return v
	}
	r := v.send(http.MethodPost, "/admin/password", url.Values{"chosen": {panelPassword}, "repeated": {panelPassword}})
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/admin/" {
		k.t.Fatalf("choose a password: %d to %s\n%s", r.StatusCode, r.Header.Get("Location"), r.body)
	}
	return v
}

func (v visitor) signIn(name, password string) {
	v.t.Helper()
	r := v.send(http.MethodPost, "/admin/sign-in", url.Values{"name": {name}, "password": {password}})
	if r.StatusCode != http.StatusSeeOther {
		v.t.Fatalf("sign in: %d\n%s", r.StatusCode, r.body)
	}
}

// seed adds accounts with one token and ticket each, and history.
func (k *panelKit) seed(n int) {
	k.t.Helper()
	for i := range n {
		appID := fmt.Sprintf("wx%016d", i)
		k.ok(k.store.InsertAccount(k.t.Context(), model.Account{
			AppID: appID, Name: fmt.Sprint("账号 ", i), Platform: "official_account", Origin: model.OriginFile, Enabled: true,
			SecretEnc: []byte("x"), TokenMode: "stable", Tickets: model.Strings{"jsapi"},
		}, []string{"access_token", "jsapi"}))
		k.publish(appID, "access_token", int64(80-i)*60_000)
		k.publish(appID, "jsapi", int64(100-i)*60_000)
	}
}

// publish gives a credential a value that lives leftMs more.
func (k *panelKit) publish(appID, kind string, leftMs int64) {
	k.t.Helper()
	g := k.claim(appID, kind)
	now, err := k.store.Now(k.t.Context())
	k.ok(err)
	done, err := k.store.Publish(k.t.Context(), g, model.Publication{
		PublishID: keeper.NewID(), ValueEnc: []byte("x"), KeyID: "0badcafe", ValueHash: keeper.NewID() + keeper.NewID(),
		IssuedMs: now + leftMs - 7_200_000, ExpiresMs: now + leftMs, LifeMs: 7_200_000, NextRefreshMs: now - 1,
	})
	k.ok(err)
	if !done {
		k.t.Fatal("not published")
	}
}

// fail ends an attempt with a failure and its history row.
func (k *panelKit) fail(appID, kind string, errcode int, text string) {
	k.t.Helper()
	g := k.claim(appID, kind)
	done, err := k.store.Fail(k.t.Context(), g, model.Failure{Errcode: errcode, Text: text, BackoffMs: 0})
	k.ok(err)
	if !done {
		k.t.Fatal("not failed")
	}
	k.ok(k.store.AddHistory(k.t.Context(), model.History{
		AttemptID: keeper.NewID(), AppID: appID, Kind: kind, TriggerName: model.TriggerSchedule, Actor: "host/1/0badcafe",
		Outcome: model.OutcomeFailed, Errcode: errcode, Errmsg: text, RID: "6553a1c2-1d2e3f40", LatencyMs: 88,
	}))
}

func (k *panelKit) claim(appID, kind string) model.Grant {
	k.t.Helper()
	tended, err := k.store.Tended(k.t.Context(), appID)
	k.ok(err)
	row := tended.Credential(kind)
	g := model.Grant{AppID: appID, Kind: kind, Owner: "test/" + keeper.NewID(), Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev}
	done, err := k.store.Claim(k.t.Context(), g, 60_000)
	k.ok(err)
	if !done {
		k.t.Fatal("not claimed")
	}
	return g
}
