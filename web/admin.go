package web

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed admin static
var adminFiles embed.FS

// Admin is the panel: templates and their texts.
func Admin() fs.FS { return adminRoom("admin") }

// Static is what the panel's pages load; vendor/ in it are files of others.
func Static() fs.FS { return adminRoom("static") }

// adminRoom cannot fail for the names above, as room.
func adminRoom(name string) fs.FS {
	sub, err := fs.Sub(adminFiles, name)
	if err != nil {
		panic(fmt.Sprintf("web: %s: %v", name, err))
	}
	return sub
}
