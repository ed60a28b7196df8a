package paneltest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
)

const (
	shopID  = "wx3f0c9a1b2c3d4e5f"
	ownID   = "wx8a7b6c5d4e3f2a1b"
	goodKey = "good0123456789abcdef0123456789ab"
)

// seedAccount makes an account with a sealed secret, values, and a few days of
// history in which things went wrong.
func (k *panelKit) seedAccount(appID, origin string) {
	k.t.Helper()
	k.ok(k.store.InsertAccount(k.t.Context(), model.Account{
		AppID: appID, Name: "商城 H5 · Flagship shop", Platform: "official_account", Origin: origin, Enabled: true,
		SecretEnc: k.ring.Seal(secret.New("good-old"), keeper.AppSecretPlace(appID)), KeyID: k.ring.SealingKeyID(),
		TokenMode: "stable", Tickets: model.Strings{"jsapi"}, Domains: model.Strings{
			"h5.example.com", "*.shop.example.com",
			"localhost:8443/test",
		},
		Profiles: model.Profiles{
			"default": {JSAPIList: []string{"updateAppMessageShareData", "updateTimelineShareData", "checkJsApi"}},
			"scan":    {JSAPIList: []string{"scanQRCode", "getLocation"}, OpenTagList: []string{"wx-open-launch-weapp"}, Debug: true},
		},
	}, []string{"access_token", "jsapi"}))
	for _, kind := range []string{"access_token", "jsapi"} {
		k.publishSealed(appID, kind, 52*60_000, origin == model.OriginFile)
	}
	k.past(appID)
}

// publishSealed gives a credential a value that can be revealed; due says that
// the next attempt may begin.
func (k *panelKit) publishSealed(appID, kind string, leftMs int64, due bool) {
	k.t.Helper()
	g := k.claim(appID, kind)
	now, err := k.store.Now(k.t.Context())
	k.ok(err)
	next := now + leftMs - 290_000
	if due {
		next = now - 1
	}
	id, value := keeper.NewID(), secret.New("the-live-"+kind)
	done, err := k.store.Publish(k.t.Context(), g, model.Publication{
		PublishID: id, ValueEnc: k.ring.Seal(value, keeper.ValuePlace(appID, kind, id)), KeyID: k.ring.SealingKeyID(), ValueHash: value.Hash(),
		IssuedMs: now + leftMs - 7_200_000, ExpiresMs: now + leftMs, LifeMs: 7_200_000, NextRefreshMs: next,
	})
	k.ok(err)
	if !done {
		k.t.Fatal("not published")
	}
}

// past writes three days of history: renewals every two hours, an outage of
// five hours a day ago, a probe that found the token dead, a manual refresh.
func (k *panelKit) past(appID string) {
	k.t.Helper()
	now, err := k.store.Now(k.t.Context())
	k.ok(err)
	const minute = int64(time.Minute / time.Millisecond)
	add := func(h model.History) {
		h.AttemptID, h.AppID, h.LatencyMs = keeper.NewID(), appID, 87
		if h.Actor == "" {
			h.Actor = "host/1/0badcafe"
		}
		if h.TriggerName == "" {
			h.TriggerName = model.TriggerSchedule
		}
		k.ok(k.store.AddHistory(k.t.Context(), h))
	}
	for i, kind := range []string{"access_token", "jsapi"} {
		version := int64(1)
		for ago := 3 * 24 * 60 * minute; ago > 60*minute; ago -= 115 * minute {
			at := now - ago + int64(i)*minute
			if ago < 20*60*minute && ago > 15*60*minute {
				add(model.History{
					AtMs: at, Kind: kind, Version: version, Outcome: model.OutcomeFailed,
					Errcode: 40164, Errmsg: "invalid ip 203.0.113.7",
				})
				continue
			}
			add(model.History{
				AtMs: at, Kind: kind, Version: version, Outcome: model.OutcomeRenewed, ExpiresMs: at + 120*minute,
				Fingerprint: "8c1f00d5",
			})
			version++
		}
	}
	add(model.History{AtMs: now - 40*60*minute, Kind: "access_token", TriggerName: model.TriggerProbe, Outcome: model.OutcomeFailed, Errcode: 40001, Errmsg: "invalid credential"})
	add(model.History{AtMs: now - 8*60*minute, Kind: "access_token", TriggerName: model.TriggerManual, Actor: "ann", Outcome: model.OutcomeUnchanged, ExpiresMs: now - 7*60*minute})
	add(model.History{
		AtMs: now - 5*60*minute, Kind: "access_token", TriggerName: model.TriggerReport, Actor: "order-service",
		Outcome: model.OutcomeRefused, Errmsg: "no budget",
	})
}

// Every page of an account, in both languages and both schemes, on a desk and on
// a phone: as TestPanelLooks.
func TestAccountLooks(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("WXSIGN_SCREENSHOTS")
	if dir == "" {
		dir = t.ArtifactDir()
	}
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	k.seedAccount(shopID, model.OriginFile)
	k.fail(shopID, "access_token", 40164, "wechat stable_token for "+shopID+": errcode 40164: invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in "+
		"whitelist (rid 6553a1c2-1d2e3f40-5a6b7c8d) — WeChat refused the address 203.0.113.7: add it in the WeChat console.")
	k.ok(k.store.SeeReplica(t.Context(), model.Replica{Name: "other-host/7/0ddba11", Version: "0.9.0", Config: "other"}))
	admin := k.as("admin")
	form := url.Values{"secret": {"bad0123456789"}}
	if r := admin.send(http.MethodPost, "/admin/accounts/"+ownID+"/secret/enter", form); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("enter a secret: %d", r.StatusCode)
	}
	for _, lang := range []string{"en", "zh"} {
		for _, width := range []int64{390, 1280} {
			t.Run(fmt.Sprintf("%s %d", lang, width), func(t *testing.T) {
				t.Parallel()
				l := accountLooker{browser: newBrowser(t), k: k, dir: dir, lang: lang, width: width}
				l.around()
			})
		}
	}
}

// accountLooker takes pictures of all pages of accounts, in one language and one width.
type accountLooker struct {
	*browser
	k     *panelKit
	dir   string
	lang  string
	width int64
}

func (l accountLooker) around() {
	l.t.Helper()
	l.expected = []string{"422 (Unprocessable Entity)"}
	l.open(l.k.url + "/admin/sign-in?lang=" + l.lang)
	l.submit(map[string]string{"name": "person-admin", "password": panelPassword})
	for _, scheme := range []string{"light", "dark"} {
		l.dress(l.width, scheme)
		for name, path := range map[string]string{
			"own": "/admin/accounts/" + ownID + "?span=24h&done=edited", "file": "/admin/accounts/" + shopID + "?span=7d",
		} {
			l.open(l.k.url + path)
			l.wait(`document.getElementById("chart").dataset.drawn > 0`)
			l.look(name, scheme)
		}
		for name, path := range map[string]string{
			"overview": "/admin/", "search": "/admin/?q=wx", "nothing": "/admin/?q=zzz", "new": "/admin/new-account",
			"edit": ownPath + "/edit", "secret": ownPath + "/secret", "delete": ownPath + "/delete",
		} {
			l.open(l.k.url + path)
			l.look(name, scheme)
		}
		l.open(l.k.url + "/admin/new-account")
		l.submit(map[string]string{"app_id": "wx 1", "domains": "https://h5.example.com\nok.example.com", "profile-1-apis": "not an api!"})
		l.look("faulty", scheme)
		l.open(l.k.url + ownPath)
		ask[any](l.browser, `document.getElementById("reveal-reason").value = "look"`)
		l.leave(`document.querySelector("form[action$='/reveal']").requestSubmit()`)
		l.look("value", scheme)
	}
}

// look judges the page and keeps a picture of it.
func (l accountLooker) look(name, scheme string) {
	l.t.Helper()
	picture := fmt.Sprintf("account-%s-%s-%d-%s.png", name, l.lang, l.width, scheme)
	if got := ask[int64](l.browser, "document.documentElement.scrollWidth"); got > l.width {
		l.t.Errorf("%s is %d wide", picture, got)
	}
	for fault, list := range map[string]string{
		"fields without a label": `[...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter(e => !e.labels.length).map(e => e.name)`,
		"ids that stand twice":   `[...document.querySelectorAll("[id]")].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i)`,
	} {
		if found := ask[string](l.browser, list+".join()"); found != "" {
			l.t.Errorf("%s: %s: %s", picture, fault, found)
		}
	}
	if n := ask[int64](l.browser, `document.querySelectorAll("h1").length`); n != 1 {
		l.t.Errorf("%s has %d headings of the first level", picture, n)
	}
	if oneOfEach(l.width, scheme) {
		l.accessible(picture)
	}
	image, err := chromedp.Run(l.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(l.dir, picture), image, 0o600)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}
