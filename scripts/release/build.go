package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/scripts/release/artifact"
)

type options struct {
	out     string
	targets []string
	twice   bool
}

// source is the commit that is released, in a clone of its own.
type source struct {
	folder  string
	version string
	commit  string
	date    time.Time
}

// errDiffers says that a build cannot be repeated.
var errDiffers = errors.New("two builds of one commit differ")

// release makes the files of all targets and SHA256SUMS over them.
func release(ctx context.Context, o options) error {
	temporary, err := os.MkdirTemp("", "wxsign-release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	s, err := clone(ctx, filepath.Join(temporary, "once"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // a release is for everybody
		return err
	}
	var sums []string
	for _, target := range o.targets {
		files, err := makeTarget(ctx, s, target, "")
		if err == nil && o.twice {
			err = again(ctx, filepath.Join(temporary, "twice", target), target, files)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(o.out, f.Name), f.Content, 0o644); err != nil { //nolint:gosec // as above
				return err
			}
			sums = append(sums, fmt.Sprintf("%x  %s\n", sha256.Sum256(f.Content), f.Name))
			say("%s, %d KiB", f.Name, len(f.Content)/1024)
		}
	}
	slices.SortFunc(sums, func(a, b string) int { return strings.Compare(a[sha256.Size*2:], b[sha256.Size*2:]) })
	return os.WriteFile(filepath.Join(o.out, "SHA256SUMS"), []byte(strings.Join(sums, "")), 0o644) //nolint:gosec // as above
}

// again builds a target as somebody else would, and compares.
func again(ctx context.Context, folder, target string, want []artifact.File) error {
	s, err := clone(ctx, filepath.Join(folder, "elsewhere"))
	if err != nil {
		return err
	}
	files, err := makeTarget(ctx, s, target, filepath.Join(folder, "cache"))
	if err != nil {
		return err
	}
	for i := range want {
		if files[i].Name != want[i].Name || !bytes.Equal(files[i].Content, want[i].Content) {
			return fmt.Errorf("%w: %s", errDiffers, want[i].Name)
		}
	}
	say("%s: built twice, same bytes", target)
	return nil
}

// clone gets HEAD with its tags into a new folder.
func clone(ctx context.Context, folder string) (source, error) {
	s := source{folder: folder}
	if err := os.MkdirAll(filepath.Dir(folder), 0o750); err != nil {
		return s, err
	}
	if _, err := output(ctx, ".", nil, "git", "clone", "--quiet", "--no-hardlinks", ".", folder); err != nil {
		return s, err
	}
	var epoch string
	for _, question := range []struct {
		answer *string
		args   []string
	}{
		{&s.version, []string{"describe", "--tags", "--always"}},
		{&s.commit, []string{"rev-parse", "HEAD"}},
		{&epoch, []string{"log", "-1", "--format=%ct"}},
	} {
		text, err := output(ctx, folder, nil, "git", question.args...)
		if err != nil {
			return s, err
		}
		*question.answer = text
	}
	if given := os.Getenv("SOURCE_DATE_EPOCH"); given != "" {
		epoch = given
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	s.date = time.Unix(seconds, 0).UTC()
	return s, err
}

// makeTarget builds for one system: the archive and its bill of materials.
// cache is an empty build cache, "" for the usual one.
func makeTarget(ctx context.Context, s source, target, cache string) ([]artifact.File, error) {
	system, arch, found := strings.Cut(target, "/")
	if !found {
		return nil, errors.New("a target is os/arch")
	}
	program, ending := "wxsign", ".tar.gz"
	if system == "windows" {
		program, ending = "wxsign.exe", ".zip"
	}
	binary, err := build(ctx, s, []string{"GOOS=" + system, "GOARCH=" + arch}, cache)
	if err != nil {
		return nil, err
	}
	files, err := beside(ctx, s, binary)
	if err != nil {
		return nil, err
	}
	sbom, err := artifact.SBOM(binary, s.version, s.date)
	if err != nil {
		return nil, err
	}
	name := strings.Join([]string{"wxsign", s.version, system, arch}, "_")
	var archive bytes.Buffer
	files = append(files, artifact.File{Name: program, Content: binary, Executable: true})
	if err := artifact.WriteArchive(&archive, name+ending, name, files, s.date); err != nil {
		return nil, err
	}
	return []artifact.File{{Name: name + ending, Content: archive.Bytes()}, {Name: name + ".cdx.json", Content: sbom}}, nil
}

// build links the program with what it is inside.
func build(ctx context.Context, s source, target []string, cache string) ([]byte, error) {
	const module = "github.com/wxsign/wxsign/cli."
	flags := fmt.Sprintf("-s -w -buildid= -X %[1]sVersion=%[2]s -X %[1]sCommit=%[3]s -X %[1]sDate=%[4]s", module, s.version, s.commit, s.date.Format(time.RFC3339))
	environ := append(target, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0")
	if cache != "" {
		environ = append(environ, "GOCACHE="+cache)
	}
	path := filepath.Join(s.folder, "bin", "wxsign")
	_, err := output(ctx, s.folder, environ, "go", "build",
		"-trimpath", "-buildvcs=true", "-tags=nomsgpack", "-ldflags", flags, "-o", path, ".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(path) }() // the next one must find the folder clean
	return os.ReadFile(path)
}

// beside are the files that come with a binary.
func beside(ctx context.Context, s source, binary []byte) ([]artifact.File, error) {
	places, err := output(ctx, s.folder, nil, "go", "env", "GOMODCACHE", "GOROOT")
	if err != nil {
		return nil, err
	}
	modCache, goRoot, _ := strings.Cut(places, "\n")
	notices, err := artifact.Notices(binary, modCache, goRoot)
	if err != nil {
		return nil, err
	}
	files := []artifact.File{{Name: "THIRD-PARTY-NOTICES.txt", Content: notices}}
	listed, err := output(ctx, s.folder, nil, "git", "ls-files", "LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "docs", "deploy")
	if err != nil {
		return nil, err
	}
	for name := range strings.FieldsSeq(listed) {
		if strings.HasSuffix(name, ".go") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(s.folder, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		files = append(files, artifact.File{Name: name, Content: content})
	}
	return files, nil
}

// output runs a program and returns what it says, without the line's end.
func output(ctx context.Context, folder string, environ []string, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...) //nolint:gosec // git and go, named in this file
	command.Dir = folder
	command.Env = append(os.Environ(), environ...)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stderr, "release: "+format+"\n", args...) }
