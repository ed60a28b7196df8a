package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// Pictures for people to look at, in the folder that WXSIGN_SCREENSHOTS names,
// else among the test's artifacts (go test -artifacts). What a machine can see is
// checked here: nothing is cut off and nothing hides behind something else.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	dir := pictures(t)
	for _, scene := range []struct {
		name, query string
		tab         tabOptions
		state       string
	}{
		{"ok", "client=android&lang=zh", tabOptions{}, "ok"},
		{"failed", "lang=en", tabOptions{device: &iPhone, verify: refuse("invalid signature")}, "failed"},
		{"browser", "lang=zh", tabOptions{}, "idle"},
		{"standin", "client=pc&lang=en", tabOptions{down: []string{"res.wx.qq.com", "res2.wx.qq.com"}}, "ok"},
		{"tried", "client=ios&profile=everything&lang=en", tabOptions{}, "ok"},
	} {
		for _, width := range []int64{320, 390, 1280} {
			for _, dark := range []bool{false, true} {
				if width == 320 && dark {
					continue // the smallest phone is here for its width
				}
				name := fmt.Sprintf("%s-%d-%s", scene.name, width, map[bool]string{false: "light", true: "dark"}[dark])
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					circumstances := scene.tab
					circumstances.width, circumstances.dark = width, dark
					p := newTab(t, circumstances)
					if got := openDemo(p, scene.query); got.State != scene.state {
						t.Errorf("verdict %s, want %s", got.State, scene.state)
					}
					if scene.name == "tried" { // with all that can be tapped
						tapEverything(p)
					}
					if scene.state == "failed" { // with the table of errors open
						eval[any](p, `document.getElementById('errors').open = true`)
					}
					checkLayout(t, p, width)
					p.shoot(dir, name)
				})
			}
		}
	}
}

// The gallery and an example, likewise.
func TestGalleryScreenshots(t *testing.T) {
	t.Parallel()
	dir := pictures(t)
	for name, path := range map[string]string{
		"gallery": "/demo/examples?lang=zh",
		"example": "/demo/examples/plain?client=ios&app_id=" + demoApp,
	} {
		for _, width := range []int64{390, 1280} {
			t.Run(fmt.Sprintf("%s-%d", name, width), func(t *testing.T) {
				t.Parallel()
				p := newTab(t, tabOptions{width: width, dark: width == 390})
				p.open(path)
				if name == "example" {
					p.wait(`/config:ok/.test(document.querySelector('.watch').innerText)`)
				}
				checkLayout(t, p, width)
				p.shoot(dir, fmt.Sprintf("%s-%d", name, width))
			})
		}
	}
}

// pictures is the folder for them, "" where nobody asks for any: they take longer
// than all the rest.
func pictures(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WXSIGN_SCREENSHOTS")
	if dir == "" && flag.Lookup("test.artifacts").Value.String() == "true" {
		return t.ArtifactDir()
	}
	if dir != "" {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkLayout finds what hangs over the window's edge, and text that is too faint
// to read on what lies behind it (WCAG AA: 4.5 to 1).
func checkLayout(t *testing.T, p *tab, width int64) {
	t.Helper()
	if got := eval[int64](p, `document.documentElement.scrollWidth`); got > width {
		t.Errorf("the page is %d wide in a window of %d", got, width)
	}
	faint := eval[[]string](p, `(() => {
	  const parse = c => (c.match(/[\d.]+/g) || []).map(Number);
	  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
	    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	  const behind = e => {
	    for (; e; e = e.parentElement) {
	      const c = parse(getComputedStyle(e).backgroundColor);
	      if (c.length === 3 || c[3] > 0) return c;
	    }
	    return [255, 255, 255];
	  };
	  const found = [];
	  for (const e of document.querySelectorAll('main *, header *')) {
	    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
	    if (!text || !e.getClientRects().length || e.disabled || e.closest('svg, noscript')) continue;
	    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
	    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	    if (ratio < 4.5) found.push(ratio.toFixed(2) + ' ' + e.tagName + ' ' + text.slice(0, 40));
	  }
	  return found;
	})()`)
	for _, line := range faint {
		t.Errorf("too faint: %s", line)
	}
}

func (p *tab) shoot(dir, name string) {
	p.t.Helper()
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
