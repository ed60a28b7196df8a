package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// world is what all tests share: one program, one browser.
var world struct {
	program *program
	browser context.Context // a chromedp context; its tabs are the tests'
	cdn     map[string][]byte
}

// browserPaths are where Debian and others put a browser, the one without a
// window first: it starts fastest and needs least.
var browserPaths = []string{
	"/usr/lib/chromium/chromium-headless-shell", "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
}

func TestMain(m *testing.M) {
	os.Exit(run(m)) //nolint:forbidigo // this is the main of the tests
}

func run(m *testing.M) int {
	stop, err := openWorld()
	defer stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return m.Run()
}

func openWorld() (stop func(), err error) {
	var undo []func()
	stop = func() {
		for _, f := range slices.Backward(undo) {
			f()
		}
	}
	if world.cdn, err = readScripts(); err != nil {
		return stop, err
	}
	path, err := findBrowser()
	if err != nil {
		return stop, err
	}
	dir, err := os.MkdirTemp("", "wxsign-e2e-")
	if err != nil {
		return stop, err
	}
	undo = append(undo, func() { _ = os.RemoveAll(dir) })
	world.program, err = startProgram(dir)
	if err != nil {
		return stop, err
	}
	undo = append(undo, world.program.stop)
	browser, closeBrowser, err := startBrowser(path)
	undo = append(undo, closeBrowser)
	world.browser = browser //nolint:fatcontext // assigned once, for all tests
	return stop, err
}

// readScripts reads the real jweixin: 1.6.0, and 1.2.0 for WeCom. The build in weixin-js-sdk is newer and
// packed for bundlers, so it is unpacked as a bundler would.
func readScripts() (map[string][]byte, error) {
	files := map[string]string{
		"jweixin": filepath.Join("node_modules", "jweixin-npm", "jweixin-1.6.0.js"),
		"old":     filepath.Join("node_modules", "weixin-js-sdk-1.2.0", "index.original.js"),
		"newer":   filepath.Join("node_modules", "weixin-js-sdk", "index.js"),
		"acorn":   filepath.Join("node_modules", "acorn", "dist", "acorn.js"),
	}
	scripts := map[string][]byte{}
	for name, path := range files {
		body, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%w: the real jweixin is missing; run `npm ci --prefix e2e` (make deps does)", err)
		}
		scripts[name] = body
	}
	scripts["newer"] = fmt.Appendf(nil,
		"(function(){var module={exports:{}},exports=module.exports;%s\nwindow.wx=window.jWeixin=module.exports;})();", scripts["newer"])
	return scripts, nil
}

func findBrowser() (string, error) {
	for _, name := range browserPaths {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium found; run `make deps` or `apt-get install chromium-headless-shell`")
}

// startBrowser opens a browser for which pageHost is the program.
func startBrowser(path string) (context.Context, func(), error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		// A page that a test brings along counts as one of the internet, and
		// would not be allowed to load the helper from this machine.
		chromedp.Flag("disable-features", "Translate,LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"),
		chromedp.Flag("host-resolver-rules", "MAP "+pageHost+" "+world.program.address),
	)
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	browser, closeTab := chromedp.NewContext(allocator)
	stop := func() {
		closeTab()
		closeAllocator()
	}
	// Not the deadline of the browser itself: chromedp ends it with the context
	// that started it.
	started := make(chan error, 1)
	go func() { started <- chromedp.Do(browser) }()
	select {
	case err := <-started:
		return browser, stop, err
	case <-time.After(30 * time.Second):
		return browser, stop, fmt.Errorf("%s did not start in 30 s", path)
	}
}
