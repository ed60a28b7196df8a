package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/web"
)

// The files of others are as they were published: VENDOR.md has the sum of
// each, and each has its licence beside it.
func TestVendorSums(t *testing.T) {
	t.Parallel()
	table, err := fs.ReadFile(web.Static(), "VENDOR.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, row := range regexp.MustCompile("\\| `vendor/([\\w.]+)` .*`vendor/(LICENSE[\\w.]+)` \\| `([0-9a-f]{64})` \\|").FindAllStringSubmatch(string(table), -1) {
		listed[row[1]] = row[3]
		if text, err := fs.ReadFile(web.Static(), "vendor/"+row[2]); err != nil || len(text) < 100 {
			t.Errorf("the licence of %s: %v", row[1], err)
		}
	}
	entries, err := fs.ReadDir(web.Static(), "vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "LICENSE") {
			continue
		}
		body, err := fs.ReadFile(web.Static(), "vendor/"+entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if got := hex.EncodeToString(sum[:]); got != listed[entry.Name()] {
			t.Errorf("%s has the sum %s, VENDOR.md says %q", entry.Name(), got, listed[entry.Name()])
		}
		delete(listed, entry.Name())
	}
	for name := range listed {
		t.Errorf("VENDOR.md lists %s, which is not there", name)
	}
}
