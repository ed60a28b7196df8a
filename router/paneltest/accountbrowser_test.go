package paneltest_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/wxsign/wxsign/model"
)

// An administrator at work: makes an account, edits it, sees its chart, refreshes,
// shows a value and rotates the AppSecret. The console stays empty.
func TestAccountInBrowser(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	k.as("admin")
	b := newBrowser(t)
	b.dress(1280, "light")
	b.open(k.url + "/admin/sign-in?lang=en")
	b.submit(map[string]string{"name": "person-admin", "password": panelPassword})

	b.wait(`document.querySelector("a.new")`)
	b.leave(`document.querySelector("a.new").click()`)
	shown := func(name string) bool {
		return ask[bool](b, `document.getElementsByName("`+name+`")[0].offsetParent !== null`)
	}
	if !shown("app_id") || shown("corp_id") {
		t.Error("the fields of WeCom are in the way")
	}
	ask[any](b, `document.querySelector("input[value=wecom]").click()`)
	if shown("app_id") || !shown("corp_id") || shown("token_mode") {
		t.Error("after the choice of WeCom, its fields are not shown")
	}
	ask[any](b, `document.querySelector("input[value=official_account]").click()`)
	b.submit(map[string]string{"app_id": "wx00000000000000bb", "secret": goodKey, "name": "新店", "domains": "h5.example.com"})
	b.wait(`location.pathname === "/admin/accounts/wx00000000000000bb" && document.querySelector(".note.good")`)
	b.wait(`location.search === ""`) // the message is for this visit
	b.wait(`document.getElementById("chart").dataset.drawn === "0"`)
	b.leave(`document.querySelector("a[href$='/edit']").click()`)
	b.submit(map[string]string{"name": "老店"})
	b.wait(`document.querySelector("h1").textContent === "老店"`)

	b.open(k.url + ownPath)
	b.wait(`document.getElementById("chart").dataset.drawn > 10 && !document.querySelector(".legend").hidden`)
	const hover = `(() => { const over = document.querySelector(".u-over"), box = over.getBoundingClientRect();
		for (let x = 0; x < box.width; x += 8) {
			over.dispatchEvent(new MouseEvent("mousemove", {clientX: box.left + x, clientY: box.top + box.height / 4, bubbles: true}));
		}
		return true; })()`
	ask[bool](b, hover)
	b.wait(hover + ` && /access_token/.test(document.querySelector(".tip").textContent)`)
	b.leave(`document.querySelector(".spans a[href*='7d']").click()`)
	b.wait(`document.getElementById("chart").dataset.drawn > 60`)
	b.dress(1280, "dark") // the chart takes the other colours
	b.wait(`document.querySelector(".spans a[aria-current]").textContent === "7 days"`)

	ask[any](b, `document.getElementById("refresh-reason").value = "pages fail"`)
	b.leave(`document.querySelector("form[action$='/refresh']").requestSubmit()`)
	b.wait(`/a new value is in use/.test(document.querySelector(".note.good")?.textContent)`)
	ask[any](b, `document.getElementById("reveal-reason").value = "compare"`)
	b.leave(`document.querySelector("form[action$='/reveal']").requestSubmit()`)
	b.wait(`document.getElementById("value").value === "the-live-access_token" && !document.querySelector("[data-copy]").hidden`)

	b.open(k.url + ownPath + "/secret")
	b.submit(map[string]string{"secret": goodKey})
	b.wait(`document.querySelector("form[action$='/switch']")`)
	b.leave(`document.querySelector("form[action$='/switch']").requestSubmit()`)
	b.wait(`document.querySelector("form[action$='/back']")`)
	b.open(k.url + ownPath)
	ask[any](b, `document.querySelector(".ask summary").click()`)
	b.leave(`document.querySelector("form[action$='/disable']").requestSubmit()`)
	b.wait(`document.querySelector("#live").dataset.state === "disabled"`)
	row := k.account(ownID)
	row.Enabled = true
	done, err := k.store.UpdateAccount(t.Context(), row, []string{"access_token", "jsapi"})
	k.ok(err)
	b.wait(`document.querySelector("#live").dataset.state === "fine"`) // by its own refresh
	if !done {
		t.Error("not enabled")
	}
}

// The chart cannot be loaded: the page says so and has the numbers.
func TestAccountChartFails(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	k.as("admin")
	b := newBrowser(t)
	b.open(k.url + "/admin/sign-in?lang=en")
	b.submit(map[string]string{"name": "person-admin", "password": panelPassword})
	b.open(k.url + ownPath)
	b.wait(`document.getElementById("chart").dataset.drawn > 10`)
	b.expected = []string{"ERR_BLOCKED_BY_CLIENT"}
	b.do(func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		blocked := []*network.BlockPattern{{URLPattern: "*://*:*/admin/accounts/*/timeline*", Block: true}}
		_, err = cdp.Call(ctx, target, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: blocked})
		return none, err
	})
	b.open(k.url + ownPath)
	b.wait(`/cannot be loaded/.test(document.getElementById("chart").textContent) && document.querySelector(".numbers table")`)
}
