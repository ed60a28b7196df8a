package main

import (
	"fmt"
	"html"
	"strings"
)

// Sizes of the chart, in its own units.
const (
	chartNames = 330 // width of the names
	chartUnit  = 280 // width of a bar of 1.00
	chartLine  = 26
)

// chart is a bar for each server, as long as its rate is to bare Gin's. It is
// readable on light and on dark pages.
func chart(results []*result) string {
	var bars strings.Builder
	longest, line := 1.0, 0
	for _, r := range results {
		if r.err != nil {
			continue
		}
		ratio := r.rate() / results[0].rate()
		longest = max(longest, ratio)
		color := "#8a94a6"
		if r.name == "wxsign" {
			color = "#07a35a"
		}
		y := line*chartLine + 10
		fmt.Fprintf(&bars, `<text x="%d" y="%d" text-anchor="end">%s</text>`, chartNames-8, y+13, html.EscapeString(r.title()))
		fmt.Fprintf(&bars, `<rect x="%d" y="%d" width="%.0f" height="16" rx="2" fill="%s"/>`, chartNames, y, ratio*chartUnit, color)
		fmt.Fprintf(&bars, `<text x="%.0f" y="%d">%.2f</text>`+"\n", chartNames+ratio*chartUnit+6, y+13, ratio)
		line++
	}
	width, height := chartNames+int(longest*chartUnit)+60, line*chartLine+20
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>Requests a second of each server, bare Gin = 1.00</title>
<style>text{font:13px system-ui,sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>
%[3]s</svg>
`, width, height, bars.String())
}
