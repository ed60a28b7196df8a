package doctor_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/doctor"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

// blackHole swallows what it is sent, but for the calls that refuse names: their
// errcodes are answers.
type blackHole struct {
	calls  int
	refuse map[int]int // errcode by call, from 1
}

func (b *blackHole) Token(context.Context, wechat.TokenRequest) (wechat.Grant, error) {
	return wechat.Grant{}, b.answer()
}

func (b *blackHole) Probe(context.Context, secret.Secret) error { return b.answer() }

func (b *blackHole) answer() error {
	b.calls++
	if code := b.refuse[b.calls]; code != 0 {
		return &wechat.Error{Op: "stable_token", Errcode: code}
	}
	return &wechat.Error{Op: "stable_token", Err: context.DeadlineExceeded}
}

// more adds accounts like the first one.
func (w *world) more(n int, platform string) {
	w.Helper()
	store := w.open()
	for i := range n {
		a := model.Account{
			AppID: fmt.Sprintf("wxmore%02d", i), Platform: platform, Enabled: true, TokenMode: "stable",
			Domains: []string{fmt.Sprintf("h%d.example.com", i)},
		}
		a.SecretEnc = w.ring.Seal(secret.New(appSecret), secretPlace(a.AppID))
		if err := store.InsertAccount(w.Context(), a, []string{"access_token"}); err != nil {
			w.Fatal(err)
		}
	}
}

// Regression: each account at a host that did not answer cost two time-outs and
// two lines with the same mend.
func TestSilentWeChatIsNotAskedOfEachAccount(t *testing.T) {
	t.Parallel()
	const away = "http://127.0.0.1:1"
	for name, tt := range map[string]struct {
		base, fallback string // "" is the simulator
		refuse         map[int]int
		calls          int
		unasked        int // 0 = it is not said
	}{
		"away from the start":          {base: away, calls: 0, unasked: 5},
		"both hosts away":              {base: away, fallback: away, calls: 0, unasked: 5},
		"the second host answers":      {base: away, fallback: "simulator", calls: 2, unasked: 3},
		"silent to whoever has a name": {calls: 2, unasked: 3},
		"one broken connection":        {refuse: map[int]int{2: 40125, 3: 40125, 4: 40125, 5: 40125}, calls: 5},
		"an errcode between":           {refuse: map[int]int{2: 40125}, calls: 4, unasked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.more(4, "official_account")
			hole := &blackHole{refuse: tt.refuse}
			all := w.examine(func(o *doctor.Options) {
				o.WeChat = hole
				if tt.base != "" {
					o.Config.WeChat.BaseURL = tt.base
				}
				if o.Config.WeChat.FallbackURL = tt.fallback; tt.fallback == "simulator" {
					o.Config.WeChat.FallbackURL = w.sim.URL
				}
			})
			if hole.calls != tt.calls {
				t.Errorf("it was asked %d times, want %d", hole.calls, tt.calls)
			}
			if tt.unasked == 0 {
				all.absent(t, "account", "gives no answer")
				return
			}
			all.want(t, "account", doctor.Note, fmt.Sprintf("WeChat gives no answer, so it is not asked about %d accounts", tt.unasked))
		})
	}
}

// WeCom is another host: that it is away says nothing of WeChat.
func TestSilentWeCom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.more(3, config.PlatformWeCom)
	hole := &blackHole{}
	all := w.examine(func(o *doctor.Options) {
		o.WeCom, o.Config.WeChat.WeComBaseURL = hole, "http://127.0.0.1:1/qyapi"
	})
	all.want(t, "wechat", doctor.Fail, "wechat.wecom_base_url http://127.0.0.1:1/qyapi")
	all.want(t, "account", doctor.Note, "WeCom gives no answer, so it is not asked about 3 accounts")
	all.want(t, "account", doctor.OK, "WeChat accepts the AppSecret")
	if hole.calls != 0 {
		t.Errorf("WeCom was asked %d times", hole.calls)
	}
	w.examine(nil).want(t, "wechat", doctor.OK, "wechat.wecom_base_url "+w.sim.URL+"/qyapi answers")
}

// The mend fits the host: nobody's firewall is between a machine and itself.
func TestMendOfAHost(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, tt := range map[string]struct {
		base      string
		simulator bool
		verdict   doctor.Verdict
		words     string
	}{
		"a gateway on this machine": {gone.URL, false, doctor.Fail, "start the gateway or simulator"},
		"the demo's simulator":      {gone.URL, true, doctor.Warn, "answers while `wxsign serve` runs"},
		"another machine":           {"https://wechat.example:99999", false, doctor.Fail, "on port 443"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, hole := newWorld(t, nil), &blackHole{}
			all := w.examine(func(o *doctor.Options) {
				o.Config.WeChat.BaseURL, o.Config.Simulator.Enabled, o.WeChat = tt.base, tt.simulator, hole
			})
			all.want(t, "wechat", tt.verdict, tt.base, tt.words)
			all.want(t, "account", doctor.Note, "not asked about 1 accounts")
			if hole.calls != 0 {
				t.Errorf("it was asked %d times", hole.calls)
			}
		})
	}
}

// Regression: what nobody noted the time of was late, or had ended, since 1970.
func TestTimesThatNobodyNoted(t *testing.T) {
	t.Parallel()
	offline := func(o *doctor.Options) { o.Offline = true }
	w := newWorld(t, nil)
	w.renew(wechat.Stable)
	store, due := w.open(), w.after(90*time.Minute)
	g := w.grant("jsapi")
	g.Version, g.Fence = 1, 1 // after the publish
	if claimed, err := due.Claim(t.Context(), g, 60_000); err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	if done, err := due.Fail(t.Context(), g, model.Failure{Errcode: -1, Text: "errcode -1 — Wait.", BackoffMs: time.Hour.Milliseconds()}); err != nil || !done {
		t.Fatal(done, err)
	}
	a, err := store.Account(t.Context(), appID)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := store.UpdateAccount(t.Context(), a, a.Kinds()); err != nil || !done { // the back-off ends
		t.Fatal(done, err)
	}
	edited := w.examine(offline)
	edited.want(t, "account", doctor.Warn, "jsapi: version 1, ", "; its renewal is due at once", "is a wxsign serving")
	edited.absent(t, "account", "overdue")

	if err := store.ForgetValues(t.Context(), []string{appID}, w.now(store)+1); err != nil { // as the simulator's end does
		t.Fatal(err)
	}
	forgotten := w.examine(offline)
	forgotten.want(t, "account", doctor.Fail, "access_token: ended nobody", "is a wxsign serving")
	forgotten.absent(t, "account", " ago")
}

// Where the time is known it is told.
func TestTimesThatAreKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.renew(wechat.Stable) // for two hours, due after one
	after := func(minutes int) func(*doctor.Options) {
		return func(o *doctor.Options) {
			o.Offline = true
			o.OpenStore = func() (*model.Store, error) {
				return model.Open(model.Options{
					Driver: model.SQLite, DSN: w.config.Database.DSN.Reveal(),
					NowMS: fmt.Sprintf("(CAST(unixepoch('subsec')*1000 AS INTEGER) + %d)", (time.Duration(minutes) * time.Minute).Milliseconds()),
				})
			}
		}
	}
	w.examine(after(95)).want(t, "account", doctor.Warn, "access_token: version 1, ", "; its renewal is 35m", "s overdue")
	w.examine(after(190)).want(t, "account", doctor.Fail, "access_token: ended 1h1", "m ago", "is a wxsign serving")
}
