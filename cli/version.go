package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// What this build is; set by the linker (see the Makefile and scripts/release).
// Empty where somebody just ran `go build` or `go install`: then Go's own notes
// stand in.
var (
	Version = ""
	Commit  = ""
	Date    = ""
)

// built is what runs: for --version, logs, metrics and the panel.
type built struct{ Version, Commit, Date string }

// thisBuild is what the linker was told, else what Go noted in the binary.
func thisBuild() built {
	b := built{Version: Version, Commit: Commit, Date: Date}
	info, found := debug.ReadBuildInfo()
	if !found {
		info = &debug.BuildInfo{}
	}
	noted := map[string]string{}
	for _, setting := range info.Settings {
		noted[setting.Key] = setting.Value
	}
	module := info.Main.Version
	if module == "(devel)" {
		module = ""
	}
	b.Version = cmp.Or(b.Version, module, "devel")
	b.Commit = cmp.Or(b.Commit, noted["vcs.revision"], "unknown")
	b.Date = cmp.Or(b.Date, noted["vcs.time"], "unknown")
	return b
}

// String is the line of --version.
func (b built) String() string {
	return fmt.Sprintf("wxsign %s (commit %s of %s, %s, %s/%s)", b.Version, b.Commit, b.Date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
