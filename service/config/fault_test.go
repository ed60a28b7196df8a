package config_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/config"
)

// anAccount is the head of a sound account; tests add a key to it.
const anAccount = "[[account]]\napp_id = \"wx1\"\nsecret = \"s3cr3t\"\n"

// aSimulator is the same for the simulator.
const aSimulator = "[[simulator.account]]\napp_id = \"wx1\"\nsecret = \"s3cr3t\"\n"

// noFiles is a ReadFile for configurations that name none.
func noFiles(string) ([]byte, error) { return nil, fs.ErrNotExist }

// faultsOf loads a text that must be refused.
func faultsOf(t *testing.T, source config.Source) config.Faults {
	t.Helper()
	if source.ReadFile == nil {
		source.ReadFile = noFiles
	}
	_, _, err := config.Load(source)
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		t.Fatalf("Load = %v, want Faults", err)
	}
	return faults
}

// faultCase is an entry of testdata/faults.txt: a configuration and the whole
// text of its error.
type faultCase struct{ name, text, want string }

func faultCases(t *testing.T) []faultCase {
	t.Helper()
	content, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	var cases []faultCase
	for _, entry := range strings.Split("\n"+string(content), "\n== ")[1:] {
		name, rest, named := strings.Cut(entry, " ==\n")
		text, want, split := strings.Cut(rest, "-->\n")
		if !named || !split {
			t.Fatalf("not an entry: %q", entry)
		}
		cases = append(cases, faultCase{name, text, strings.TrimSpace(want)})
	}
	return cases
}

func TestEveryFault(t *testing.T) {
	t.Parallel()
	for _, test := range faultCases(t) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := faultsOf(t, config.Source{Text: []byte(test.text)}).Error()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if strings.Contains(got, "hunter2") || strings.Contains(got, "s3cr3t") {
				t.Errorf("a secret is quoted:\n%s", got)
			}
		})
	}
}
