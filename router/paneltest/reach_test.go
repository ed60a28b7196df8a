package paneltest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/wxsign/wxsign/model"
)

// withoutScripts switches the scripts of pages off; what the test asks still runs.
func (b *browser) withoutScripts() {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return none, err
	})
}

// Without JavaScript every page can be read, and people come in and around by
// links and forms.
func TestReadingWithoutScripts(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	k.seedDesks(admin)
	k.seedAccount(ownID, model.OriginPanel)
	k.told(1)
	b := newBrowser(t)
	b.withoutScripts()
	b.dress(390, "light")
	b.open(k.url + "/admin/sign-in?lang=en")
	b.submit(map[string]string{"name": "person-admin", "password": panelPassword})
	for path, words := range map[string]string{
		"/admin/":                     "Flagship shop", // an account, with what is left
		"/admin/?q=" + ownID:          "Flagship shop",
		ownPath + "?span=7d":          "The same in numbers",
		ownPath + "/edit":             "h5.example.com",
		"/admin/history":              "40164",
		"/admin/history/6":            "203.0.113.7",
		"/admin/history/overwritten":  "somebody else fetched a token",
		"/admin/checker":              "Check",
		"/admin/qa":                   "iOS",
		"/admin/alerts":               "Nothing needs you",
		"/admin/deliveries":           "550 no such",
		"/admin/keys":                 "API keys",
		"/admin/audit":                "gives a one-time password",
		"/admin/people":               "zhang.min",
		"/admin/sessions":             "HeadlessChrome",
		"/admin/help/errors?q=40164":  "40164",
		"/admin/no-such-page":         "no such page",
		"/admin/history?outcome=none": "cannot be understood",
	} {
		if strings.Contains(path, "no-such-page") || strings.Contains(path, "outcome=none") {
			b.expected = append(b.expected, path)
		}
		b.open(k.url + path)
		text := ask[string](b, "document.querySelector('main').innerText")
		if !strings.Contains(strings.ToLower(text), strings.ToLower(words)) {
			t.Errorf("%s does not show %q:\n%s", path, words, text)
		}
	}
	b.open(k.url + "/admin/history")
	b.leave(`document.getElementById("f-outcome").value = "failed", document.querySelector(".filters").requestSubmit()`)
	if query := ask[string](b, "location.search"); !strings.Contains(query, "outcome=failed") {
		t.Errorf("the filter led to %q", query)
	}
}

// The keyboard reaches the content past the bar, and stays where it was when the
// page refreshes itself.
func TestPanelByKeyboard(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seed(2)
	k.as("viewer")
	b := newBrowser(t)
	b.dress(1280, "light")
	b.open(k.url + "/admin/sign-in?lang=en")
	b.submit(map[string]string{"name": "person-viewer", "password": panelPassword})
	b.open(k.url + "/admin/")
	b.do(chromedp.KeyEvent("\t"))
	if on := ask[string](b, "document.activeElement.className"); on != "skip" {
		t.Errorf("the first stop is %q, not the link past the bar", on)
	}
	if seen := ask[bool](b, "document.activeElement.getBoundingClientRect().top >= 0"); !seen {
		t.Error("the link past the bar is not seen where it has the focus")
	}
	b.do(chromedp.KeyEvent("\r"))
	b.wait(`document.activeElement.id === "main"`)
	b.do(chromedp.KeyEvent("\t"))
	const outline = `(s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none")(getComputedStyle(document.activeElement))`
	if on := ask[string](b, "document.activeElement.className"); on != "name" || !ask[bool](b, outline) {
		t.Errorf("the next stop is %q, or its focus is not seen", on)
	}
	address := ask[string](b, "document.activeElement.getAttribute('href')")
	k.fail("wx0000000000000000", "jsapi", 45011, "too often")
	ask[any](b, `document.getElementById("live").dispatchEvent(new CustomEvent("every")), 0`) // the 10 seconds are over
	b.wait(`document.querySelector(".account[data-state=failing]")`)
	if still := ask[string](b, "document.activeElement.getAttribute('href')"); still != address {
		t.Errorf("after a refresh the focus is on %q, and was on %q", still, address)
	}
}
