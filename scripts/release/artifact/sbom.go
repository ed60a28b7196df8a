package artifact

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// What CycloneDX 1.6 calls these: https://cyclonedx.org/docs/1.6/json/
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     bomMetadata  `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type bomMetadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type    string   `json:"type"`
	Ref     string   `json:"bom-ref"`
	Name    string   `json:"name"`
	Version string   `json:"version"`
	PURL    string   `json:"purl"`
	Hashes  []digest `json:"hashes,omitempty"`
}

type digest struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// SBOM is the CycloneDX document of a Go binary: what the linker noted in it,
// not what go.mod wishes. version is the release's.
func SBOM(binary []byte, version string, at time.Time) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, fmt.Errorf("read what the binary is made of: %w", err)
	}
	sum := sha256.Sum256(binary)
	root := libraryOf(&debug.Module{Path: info.Main.Path, Version: version})
	root.Type, root.Hashes = "application", []digest{{"SHA-256", hex.EncodeToString(sum[:])}}
	b := bom{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: bomMetadata{Timestamp: at.UTC().Format(time.RFC3339), Component: root},
	}
	b.Components = append(b.Components, libraryOf(&debug.Module{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")}))
	for _, module := range linked(info) {
		b.Components = append(b.Components, libraryOf(module))
	}
	used := dependency{Ref: root.Ref}
	for _, c := range b.Components {
		used.DependsOn = append(used.DependsOn, c.Ref)
	}
	b.Dependencies = []dependency{used}
	text, err := json.MarshalIndent(b, "", "  ")
	return append(text, '\n'), err
}

// linked are the modules in the binary, as they were built, by path.
func linked(info *debug.BuildInfo) []*debug.Module {
	modules := make([]*debug.Module, 0, len(info.Deps))
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		modules = append(modules, module)
	}
	slices.SortFunc(modules, func(a, b *debug.Module) int { return strings.Compare(a.Path, b.Path) })
	return modules
}

func libraryOf(m *debug.Module) component {
	purl := "pkg:golang/" + m.Path + "@" + m.Version
	c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
	// h1 is the SHA-256 of the module's list of files and hashes.
	if h1, found := strings.CutPrefix(m.Sum, "h1:"); found {
		if sum, err := base64.StdEncoding.DecodeString(h1); err == nil {
			c.Hashes = []digest{{"SHA-256", hex.EncodeToString(sum)}}
		}
	}
	return c
}
