package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// device is how a browser presents itself.
type device struct {
	name      string // as ?client= and the bridges name it
	userAgent string
	platform  string // navigator.platform
	touch     int64  // navigator.maxTouchPoints
}

// The user agents were observed on devices, their serial numbers shortened.
var (
	android = device{
		name: "android", platform: "Linux armv8l", touch: 5,
		userAgent: "Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile " +
			"Safari/537.36 XWEB/1160065 MMWEBSDK/20230504 MMWEBID/1234 MicroMessenger/8.0.40.2420(0x28002837) WeChat/arm64 " +
			"Weixin NetType/WIFI Language/zh_CN ABI/arm64",
	}
	iPhone = device{
		name: "ios", platform: "iPhone", touch: 5,
		userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
			"Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
	}
	windows = device{
		name: "pc", platform: "Win32",
		userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 " +
			"NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541022) XWEB/16467 Flue",
	}
	iPad = device{ // it says that it is a Mac
		name: "ios", platform: "MacIntel", touch: 5,
		userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
			"MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
	}
	wecom = device{
		name: "wecom", platform: "iPhone", touch: 5,
		userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
			"Mobile/15E148 MicroMessenger/7.0.1 wxwork/4.1.6 ColorScheme/Light",
	}
	// phones are the three ways in which WeChat looks at a URL, devices all that
	// people hold in their hands.
	phones  = []device{android, iPhone, windows}
	devices = []device{android, iPhone, iPad, windows, wecom}
)

// title tells devices apart in names of tests.
func (d device) title() string {
	if d == iPad {
		return "iPad"
	}
	return d.name
}

// verdict is what WeChat's server says of a signature, and question what its
// client asks.
type (
	verdict struct {
		OK  bool   `json:"ok"`
		Msg string `json:"msg"`
	}
	question struct {
		AppID     string   `json:"appid,omitempty"`
		CorpID    string   `json:"corpid,omitempty"` // of wx.agentConfig
		AgentID   string   `json:"agentid,omitempty"`
		NonceStr  string   `json:"noncestr"`
		Timestamp string   `json:"timestamp"`
		Signature string   `json:"signature"`
		URLs      []string `json:"urls"`
	}
)

// askSimulator is the verdict of the simulator.
func askSimulator(_ context.Context, q question) (verdict, error) {
	var v verdict
	err := world.program.control("/_sim/verify", q, &v)
	return v, err
}

// tab is one page of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	console  []string
	requests []string // those that left for the world, as answered by cdn
}

// tabOptions are the circumstances of a page. The zero value is an ordinary
// browser, and WeChat's script host is in reach.
type tabOptions struct {
	device *device // presents itself so, without a bridge
	// verify injects a fake bridge into the device: WeChat's own part, answered
	// by this function.
	verify func(context.Context, question) (verdict, error)
	script string            // of world.cdn; default "jweixin"
	down   []string          // hosts that cannot be reached
	noise  string            // words of console messages that this test provokes
	pages  map[string]string // path on pageHost: HTML that the test brings along
	once   map[string]reply  // path on pageHost: what the first request gets instead of the program's answer
	width  int64             // of the window, default 1280
	dark   bool
}

// newTab opens a tab. When the test ends, the console must be empty but for the
// requests to hosts that are down: no error, no warning, no CSP violation.
func newTab(t *testing.T, o tabOptions) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(world.browser)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	p := &tab{t: t, ctx: ctx}
	var watching sync.WaitGroup
	watching.Go(p.watchConsole(o))
	watching.Go(p.answerWorld(o))
	t.Cleanup(func() {
		cancel()
		closeTab()
		watching.Wait()
		for _, message := range p.console {
			t.Errorf("console: %s", message)
		}
	})
	p.do(p.dress(o)...)
	return p
}

// watchConsole subscribes before it returns, so that nothing is missed.
func (p *tab) watchConsole(o tabOptions) func() {
	messages := chromedp.Console(p.ctx)
	return func() {
		for m, err := range messages {
			if err != nil {
				return // the tab is closed
			}
			line := m.String() + " " + m.URL
			if u, err := url.Parse(m.URL); err == nil && slices.Contains(o.down, u.Host) || o.noise != "" && strings.Contains(line, o.noise) {
				continue
			}
			p.mu.Lock()
			p.console = append(p.console, line)
			p.mu.Unlock()
		}
	}
}

// dress gives the tab its circumstances.
func (p *tab) dress(o tabOptions) []chromedp.Action[chromedp.Void] {
	patterns := []*fetch.RequestPattern{{URLPattern: "https://*"}}
	for path := range o.pages {
		patterns = append(patterns, &fetch.RequestPattern{URLPattern: "http://" + pageHost + path + "*"})
	}
	for path := range o.once {
		patterns = append(patterns, &fetch.RequestPattern{URLPattern: "http://" + pageHost + path + "*"})
	}
	scheme := "light"
	if o.dark {
		scheme = "dark"
	}
	actions := []chromedp.Action[chromedp.Void]{
		call(fetch.Enable, fetch.EnableParams{Patterns: patterns}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}),
		viewport(o.width),
		call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: visitor()}),
	}
	if o.device != nil {
		actions = append(actions, disguise(*o.device))
	}
	if o.verify != nil {
		source, err := os.ReadFile("testdata/fakebridge.js")
		if err != nil {
			p.t.Fatal(err)
		}
		script := fmt.Sprintf("const PLATFORM = %q;\n%s", o.device.name, source)
		actions = append(actions, chromedp.ExposeFunc("e2eVerify", o.verify),
			call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}))
	}
	return actions
}

// viewport is a window of that width, as sharp as a phone's where the width
// matters.
func viewport(width int64) chromedp.Action[chromedp.Void] {
	switch {
	case width == 0:
		return chromedp.EmulateViewport(1280, 900)
	case width < 500:
		return chromedp.EmulateViewport(width, 844, chromedp.EmulateScale(2))
	default:
		return chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(2))
	}
}

func disguise(d device) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetUserAgentOverride,
			emulation.SetUserAgentOverrideParams{UserAgent: d.userAgent, Platform: d.platform})
		if err != nil || d.touch == 0 {
			return none, err
		}
		_, err = cdp.Call(ctx, t, emulation.SetTouchEmulationEnabled,
			emulation.SetTouchEmulationEnabledParams{Enabled: true, MaxTouchPoints: d.touch})
		return none, err
	}
}

// visitors counts tabs.
var visitors atomic.Uint32

// visitor gives a tab an address of its own, as a proxy in front of wxsign would
// tell it: all tabs together are more than one address may report.
func visitor() network.Headers {
	n := visitors.Add(1)
	return network.Headers{"X-Forwarded-For": fmt.Sprintf("198.51.%d.%d", 100+n>>8, n&255)}
}

// call is a protocol command as an action.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, command, params)
		return none, err
	}
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// open goes to a path of the program.
func (p *tab) open(path string) {
	p.t.Helper()
	p.visit(origin + path)
}

// visit goes to an address and waits for that very document: chromedp.Navigate
// would also take the last events of the one before.
func (p *tab) visit(address string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.NavigateResponse(address)); err != nil {
		p.t.Fatalf("%s: %v", address, err)
	}
}

// leave runs a script that leads to another page, and waits for that page.
func (p *tab) leave(script string) {
	p.t.Helper()
	if _, err := chromedp.RunResponse(p.ctx, chromedp.Evaluate[chromedp.Void](script)); err != nil {
		p.t.Fatalf("%s: %v", firstLine(script), err)
	}
}

// byHandOfAPerson makes what a script does count as a tap: browsers copy to the
// clipboard only after one.
func byHandOfAPerson(p *runtime.EvaluateParams) {
	yes := true
	p.UserGesture = &yes
}

// eval runs script in the page, awaits it, and decodes what it returns.
func eval[T any](p *tab, script string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise, byHandOfAPerson))
	if err != nil {
		p.t.Fatalf("%s: %v", firstLine(script), err)
	}
	return value
}

// wait waits until the expression is true in the page. It asks in the page's own
// time: chromedp.Poll holds on to a context that Chromium may have replaced.
func (p *tab) wait(expression string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Evaluate[any](`new Promise(done => {
	  const met = () => { try { return `+expression+`; } catch (e) { return false; } };
	  const look = () => met() ? done(0) : setTimeout(look, 20);
	  look();
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("waiting for %s: %v", firstLine(expression), err)
	}
}

func (p *tab) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
