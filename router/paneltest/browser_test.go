package paneltest_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/wxsign/wxsign/service/keeper"
)

// browser is one tab of a real Chromium. When its test ends, the console must
// be empty: no error, no warning, no violation of the policy.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex
	console []string
	// expected are parts of messages that a test provokes: Chromium calls every
	// answer of 400 and above an error.
	expected []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		path = "/usr/lib/chromium/chromium-headless-shell" // where Debian puts it
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for m, err := range messages {
			if err != nil {
				return // the tab is closed
			}
			b.mu.Lock()
			b.console = append(b.console, m.String()+" "+m.URL)
			b.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cancel()
		closeTab()
		watching.Wait()
		for _, message := range b.console {
			if !slices.ContainsFunc(b.expected, func(part string) bool { return strings.Contains(message, part) }) {
				t.Errorf("console: %s", message)
			}
		}
	})
	return b
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// submit fills the fields of the page's form and sends it, which leads to
// another page.
func (b *browser) submit(fields map[string]string) {
	b.t.Helper()
	for id, value := range fields {
		ask[any](b, fmt.Sprintf("document.getElementById(%q).value = %q", id, value))
	}
	b.leave("document.querySelector('main form').requestSubmit()")
}

func (b *browser) leave(script string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Evaluate[chromedp.Void](script)); err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
}

func ask[T any](b *browser, script string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// wait waits until the expression is true in the page, or in the one that it
// leads to: then an evaluation may be cut off, and is repeated.
func (b *browser) wait(expression string) {
	b.t.Helper()
	for {
		is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && is {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-b.ctx.Done():
			b.t.Fatalf("waiting for %s: %v", expression, err)
		}
	}
}

// dress gives the window a width, and the person a taste in colours.
func (b *browser) dress(width int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 844), func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return none, err
	})
}

// The panel in a browser: in by the one-time password, around, and out; the
// time that is left goes down, and the page refreshes itself.
func TestPanelInBrowser(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seed(2)
	first, err := k.people.FirstStart(t.Context(), true)
	k.ok(err)
	b := newBrowser(t)
	b.dress(1280, "light")
	b.open(k.url + "/admin/")
	b.submit(map[string]string{"name": "admin", "password": first.Password.Reveal()})
	b.submit(map[string]string{"chosen": panelPassword, "repeated": panelPassword})
	b.wait(`location.pathname === "/admin/"`)
	const left = `document.querySelector(".left [data-left]").textContent`
	before := ask[string](b, left)
	b.wait(left + ` !== "` + before + `"`)
	k.fail("wx0000000000000001", "jsapi", 45011, "too often")
	b.wait(`document.querySelector(".account").dataset.state === "failing"`) // by its own refresh
	b.leave(`document.querySelector("nav a[href='/admin/history']").click()`)
	b.wait(`document.querySelectorAll(".rows .detail details").length === 1`)
	ask[any](b, `document.querySelector(".rows summary").click()`)
	b.leave(`document.getElementById("f-outcome").value = "renewed", document.querySelector(".filters").requestSubmit()`)
	b.wait(`document.querySelector(".empty") && new URLSearchParams(location.search).get("outcome") === "renewed"`)
	b.leave(`document.querySelector(".language").click()`)
	b.wait(`document.documentElement.lang === "zh-CN" && new URLSearchParams(location.search).get("outcome") === "renewed"`)
	b.leave(`document.querySelector("form[action='/admin/sign-out'] button").click()`)
	b.wait(`location.pathname === "/admin/sign-in"`)
	b.open(k.url + "/admin/")
	if where := ask[string](b, "location.pathname"); where != "/admin/sign-in" {
		t.Errorf("after signing out, /admin/ leads to %s", where)
	}
}

// A page that stays open sends its reader to the sign-in page once the session
// is over.
func TestPanelInBrowserSessionEnds(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	oneTime, err := k.people.ResetPassword(t.Context(), "ann")
	k.ok(err)
	b := newBrowser(t)
	b.dress(1280, "light")
	b.open(k.url + "/admin/sign-in")
	b.submit(map[string]string{"name": "ann", "password": oneTime.Reveal()})
	b.submit(map[string]string{"chosen": panelPassword, "repeated": panelPassword})
	_, err = k.people.ResetPassword(t.Context(), "ann")
	k.ok(err)
	ask[any](b, `document.getElementById("live").dispatchEvent(new CustomEvent("every")), 0`) // the 10 seconds are over
	b.wait(`location.pathname === "/admin/sign-in"`)
}

// Every page, in both languages and both schemes, on a desk and on a phone:
// nothing hangs over the edge, every field has a name, the policy holds. The
// pictures are for people; WXSIGN_SCREENSHOTS names their folder.
func TestPanelLooks(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("WXSIGN_SCREENSHOTS")
	if dir == "" {
		dir = t.ArtifactDir()
	}
	k := newPanelKit(t, panelKitOptions{status: keeper.Status{
		Ready: true, Degraded: true, Codes: []string{keeper.CodeRenewalsFailing}, Accounts: 4, Signing: 4, Signable: 4, Failing: 1,
	}})
	k.seed(4)
	k.fail("wx0000000000000003", "access_token", 40164, "wechat stable_token for wx0000000000000003: errcode 40164: invalid ip 203.0.113.7 "+
		"ipv6 ::ffff:203.0.113.7, not in whitelist (rid 6553a1c2-1d2e3f40-5a6b7c8d) — WeChat refused the address 203.0.113.7: add it in the "+
		"WeChat console under 基本配置 (basic configuration) → IP白名单 (IP whitelist), one address or CIDR range per line.")
	admin := k.as("admin")
	b := newBrowser(t)
	look := func(name, path string) {
		for _, width := range []int64{390, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				b.dress(width, scheme)
				b.open(k.url + path)
				lang := ask[string](b, "document.documentElement.lang")
				picture := fmt.Sprintf("panel-%s-%s-%d-%s.png", name, lang, width, scheme)
				if got := ask[int64](b, "document.documentElement.scrollWidth"); got > width {
					t.Errorf("%s is %d wide", picture, got)
				}
				if n := ask[int64](b, `[...document.querySelectorAll("input:not([type=hidden]), select")].filter(e => !e.labels.length).length`); n > 0 {
					t.Errorf("%s: %d fields without a label", picture, n)
				}
				if n := ask[int64](b, `document.querySelectorAll("h1").length`); n != 1 {
					t.Errorf("%s has %d headings of the first level", picture, n)
				}
				if oneOfEach(width, scheme) {
					b.accessible(picture)
				}
				image, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
				k.ok(err)
				k.ok(os.WriteFile(filepath.Join(dir, picture), image, 0o600))
			}
		}
	}
	for _, lang := range []string{"en", "zh"} {
		b.open(k.url + "/admin/sign-in?lang=" + lang)
		look("sign-in", "/admin/sign-in")
	}
	b.submit(map[string]string{"name": "person-admin", "password": panelPassword})
	for _, lang := range []string{"en", "zh"} {
		b.open(k.url + "/admin/?lang=" + lang)
		look("overview", "/admin/")
		look("history", "/admin/history")
		look("nothing", "/admin/history?account=wx&outcome=refused")
		look("password", "/admin/password")
	}
	if r := admin.get("/admin/"); r.StatusCode != http.StatusOK {
		t.Error("another session of the same person ended")
	}
}
