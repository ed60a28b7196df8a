package paneltest_test

import (
	"fmt"
	"os"
	"strings"
)

// axeScript is axe-core, which `make deps` puts there.
const axeScript = "../../e2e/node_modules/axe-core/axe.min.js"

// axeRun tells what axe-core finds against WCAG 2.2, A and AA, and its own good
// practice: a line for each rule, with what broke it. It looks when nothing moves any
// more: half-way from light to dark no contrast is right.
const axeRun = `Promise.allSettled(document.getAnimations().map(a => a.finished)).then(() => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"]
})).then(found => found.violations.map(v =>
  v.id + " (" + v.help + "): " +
  v.nodes.slice(0, 3).map(n => n.target.join(" ") + " " + (n.any[0] ? n.any[0].message : "")).join("; ")).join("\n"))`

// accessible looks for what keeps people from using the page that is open: a
// contrast that is too low, a name that is missing, a role that is wrong.
func (b *browser) accessible(name string) {
	b.t.Helper()
	script, err := os.ReadFile(axeScript)
	if err != nil {
		b.t.Fatalf("axe-core is not here; run `make deps`: %v", err)
	}
	ask[any](b, string(script)+";0")
	for line := range strings.Lines(ask[string](b, axeRun)) {
		b.t.Error(fmt.Sprint(name, ": ", strings.TrimSpace(line)))
	}
}

// oneOfEach chooses two of the four looks: both widths, both schemes.
func oneOfEach(width int64, scheme string) bool { return (width > 400) == (scheme == "dark") }
