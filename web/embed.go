// Package web holds what browsers get, embedded in the binary: the demo share
// page, the page helper, its examples and the panel. It holds files only; handler decides who gets which
// of them and with which headers.
package web

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed admin demo examples static jssdk/wxsign.min.js jssdk/wxsign.mjs jssdk/wxsign.d.ts
var files embed.FS

// Demo is the demo share page: a template, its texts, and the static files
// that it loads.
func Demo() fs.FS { return room("demo") }

// Examples are small pages with the page helper, for people to read and to try.
func Examples() fs.FS { return room("examples") }

// JSSDK is the page helper, as a classic script, a module and types. The script
// is the small form, which `npm run minify` in e2e/ makes from wxsign.js; the
// rest of the folder is for its npm package.
func JSSDK() fs.FS { return room("jssdk") }

// Admin is the panel: templates and their texts.
func Admin() fs.FS { return room("admin") }

// Static is what the panel's pages load; vendor/ in it are files of others.
func Static() fs.FS { return room("static") }

// room cannot fail for the names above: go:embed stops the build when a folder
// is missing.
func room(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(fmt.Sprintf("web: %s: %v", name, err))
	}
	return sub
}
