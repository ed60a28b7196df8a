package artifact_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/scripts/release/artifact"
)

var instant = time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC) // zip counts by two seconds

func archive(t *testing.T, name string, files []artifact.File, at time.Time) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := artifact.WriteArchive(&out, name, "wxsign_v1", files, at); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sample() []artifact.File {
	return []artifact.File{
		{Name: "wxsign", Content: bytes.Repeat([]byte("binary"), 1000), Executable: true},
		{Name: "docs/a.md", Content: []byte("文档")},
		{Name: "LICENSE", Content: []byte("MIT")},
	}
}

func TestArchivesHoldTheFiles(t *testing.T) {
	t.Parallel()
	want := []string{"wxsign_v1/LICENSE 644 MIT", "wxsign_v1/docs/a.md 644 文档", "wxsign_v1/wxsign 755 " + strings.Repeat("binary", 1000)}
	packed, err := gzip.NewReader(bytes.NewReader(archive(t, "x.tar.gz", sample(), instant)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for files := tar.NewReader(packed); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(files)
		if err != nil || !header.ModTime.Equal(instant) || header.Uid != 0 || header.Uname != "" {
			t.Errorf("%+v, %v", header, err)
		}
		got = append(got, header.Name+" "+map[int64]string{0o644: "644", 0o755: "755"}[header.Mode]+" "+string(content))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tar.gz (-want +got):\n%s", diff)
	}
	data := archive(t, "x.zip", sample(), instant)
	files, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files.File {
		names = append(names, f.Name)
		if !f.Modified.Equal(instant) {
			t.Errorf("%s is of %s", f.Name, f.Modified)
		}
	}
	if diff := cmp.Diff([]string{"wxsign_v1/LICENSE", "wxsign_v1/docs/a.md", "wxsign_v1/wxsign"}, names); diff != "" {
		t.Errorf("zip (-want +got):\n%s", diff)
	}
}

// Neither the order of the files, nor the zone, nor the day matters.
func TestArchivesAreRepeatable(t *testing.T) {
	t.Parallel()
	turned := sample()
	slices.Reverse(turned)
	for _, name := range []string{"x.tar.gz", "x.zip"} {
		once, again := archive(t, name, sample(), instant), archive(t, name, turned, instant.In(time.FixedZone("Asia/Shanghai", 8*3600)))
		if !bytes.Equal(once, again) {
			t.Errorf("%s differs", name)
		}
		if bytes.Equal(once, archive(t, name, sample(), instant.Add(time.Hour))) {
			t.Errorf("%s does not tell its date", name)
		}
	}
}

// program is what is released, as it stands in the working folder.
var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "wxsign-artifact-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "wxsign")
	out, err := exec.Command("go", "build", "-tags=nomsgpack", "-o", path, "github.com/wxsign/wxsign").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return os.ReadFile(path)
})

func built(t *testing.T) ([]byte, *buildinfo.BuildInfo) {
	t.Helper()
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 10 {
		t.Fatalf("only %d modules inside", len(info.Deps))
	}
	return binary, info
}

func TestSBOMNamesWhatIsInside(t *testing.T) {
	t.Parallel()
	binary, info := built(t)
	text, err := artifact.SBOM(binary, "v1.2.3", instant)
	if err != nil {
		t.Fatal(err)
	}
	var b struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Timestamp string
			Component struct{ Type, Version, PURL string }
		}
		Components []struct {
			Type, Name, Version, PURL string
			Hashes                    []struct{ Alg, Content string }
		}
		Dependencies []struct{ DependsOn []string }
	}
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	head := []string{b.BOMFormat, b.SpecVersion, b.Metadata.Timestamp, b.Metadata.Component.Version}
	if !slices.Equal(head, []string{"CycloneDX", "1.6", "2026-01-02T03:04:06Z", "v1.2.3"}) {
		t.Errorf("head: %q", head)
	}
	var names []string
	for _, c := range b.Components {
		names = append(names, c.Name)
		if c.Type != "library" || c.PURL != "pkg:golang/"+c.Name+"@"+c.Version {
			t.Errorf("component %+v", c)
		}
		if c.Name != "std" && (len(c.Hashes) != 1 || c.Hashes[0].Alg != "SHA-256" || len(c.Hashes[0].Content) != 64) {
			t.Errorf("hashes of %s: %+v", c.Name, c.Hashes)
		}
	}
	for _, module := range info.Deps {
		if !slices.Contains(names, module.Path) {
			t.Errorf("%s is inside and not listed", module.Path)
		}
	}
	if len(names) != len(info.Deps)+1 || len(b.Dependencies[0].DependsOn) != len(names) {
		t.Errorf("%d modules inside, %d listed", len(info.Deps), len(names))
	}
	if again, err := artifact.SBOM(binary, "v1.2.3", instant); err != nil || !bytes.Equal(text, again) {
		t.Errorf("the second one differs, %v", err)
	}
	if _, err := artifact.SBOM([]byte("no program"), "v1", instant); err == nil {
		t.Error("no error for what is no program")
	}
}

func TestNoticesHoldEveryLicence(t *testing.T) {
	t.Parallel()
	binary, info := built(t)
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	modCache, goRoot, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	text, err := artifact.Notices(binary, modCache, goRoot)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"The Go standard library " + runtime.Version(), "Copyright",
		info.Deps[0].Path + " " + info.Deps[0].Version,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in:\n%.2000s", want, text)
		}
	}
	if _, err := artifact.Notices(binary, t.TempDir(), goRoot); err == nil {
		t.Error("no error without the modules")
	}
}
