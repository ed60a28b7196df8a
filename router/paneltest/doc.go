// Package paneltest holds the tests of the panel as its visitors meet it: by
// HTTP through router.Admin, and in a real Chromium. They stand apart from
// router's own tests because a browser takes the processor for seconds, and the
// clocks of those run meanwhile.
package paneltest
