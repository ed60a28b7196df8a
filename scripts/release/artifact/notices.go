package artifact

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// licenceNames begin the names of the files that a copy must come with.
var licenceNames = []string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}

// errNoLicence stops a release: what has no licence may not be given on.
var errNoLicence = errors.New("has no licence file")

// Notices are the licences of all modules in a binary, in one text, read from
// the module cache; and Go's own, from goRoot.
func Notices(binary []byte, modCache, goRoot string) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, fmt.Errorf("read what the binary is made of: %w", err)
	}
	var all bytes.Buffer
	fmt.Fprintf(&all, "wxsign contains the following, each under its own licence.\n")
	if err := notice(&all, "The Go standard library "+info.GoVersion, goRoot); err != nil {
		return nil, err
	}
	for _, module := range linked(info) {
		folder := filepath.Join(modCache, filepath.FromSlash(escape(module.Path)+"@"+escape(module.Version)))
		if err := notice(&all, module.Path+" "+module.Version, folder); err != nil {
			return nil, err
		}
	}
	return all.Bytes(), nil
}

func notice(all *bytes.Buffer, name, folder string) error {
	entries, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	found := false
	for _, entry := range entries {
		if entry.IsDir() || !isLicence(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(all, "\n%s\n%s (%s)\n\n%s\n", strings.Repeat("=", 80), name, entry.Name(), bytes.TrimSpace(text))
		found = true
	}
	if !found {
		return fmt.Errorf("%s %w", name, errNoLicence)
	}
	return nil
}

func isLicence(name string) bool {
	for _, begin := range licenceNames {
		if strings.HasPrefix(strings.ToUpper(name), begin) {
			return true
		}
	}
	return false
}

// escape is how the module cache writes capital letters.
func escape(path string) string {
	var b strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
