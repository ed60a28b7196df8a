package config

import (
	"os"
	"reflect"
	"slices"
)

// Source is what Load reads.
type Source struct {
	// Path is how faults call the file; "config.toml" if empty.
	Path string
	// Text is the content of the file.
	Text []byte
	// Env is the environment as KEY=VALUE; of several values the last counts.
	Env []string
	// ReadFile reads the files that "file:" values and TLS keys name;
	// os.ReadFile if nil.
	ReadFile func(string) ([]byte, error)
}

// Load reads and checks a configuration. Its error is always Faults. The Config
// is complete only without an error; the Report is filled in either case.
func Load(source Source) (Config, Report, error) {
	l := newLoader(source)
	doc, fault := parse(source.Text)
	if fault != nil {
		// What the environment needs of the file cannot be known.
		fault.File = l.source.Path
		return l.cfg, l.report, Faults{*fault}
	}
	l.lines = doc.lines
	l.decodeTable("", doc.tree, reflect.ValueOf(&l.cfg).Elem())
	l.applyEnvironment()
	l.readSecretFiles()
	l.complete()
	l.checkAll()
	if len(l.faults) > 0 {
		return l.cfg, l.report, l.faults.sorted()
	}
	return l.cfg, l.report, nil
}

// loader gathers the configuration and everything that is wrong with it.
type loader struct {
	source Source
	cfg    Config
	report Report
	lines  map[string]int
	faults Faults
}

func newLoader(source Source) *loader {
	if source.Path == "" {
		source.Path = "config.toml"
	}
	if source.ReadFile == nil {
		source.ReadFile = os.ReadFile
	}
	return &loader{
		source: source,
		cfg:    Default(),
		report: Report{origins: map[string]Origin{}},
	}
}

// complete fills in what follows from other values.
func (l *loader) complete() {
	if !l.isSet("demo.enabled") {
		l.cfg.Demo.Enabled = l.cfg.Simulator.Enabled
	}
	for i := range l.cfg.Accounts {
		completeAccount(&l.cfg.Accounts[i])
	}
	for _, url := range []*string{
		&l.cfg.WeChat.BaseURL, &l.cfg.WeChat.FallbackURL, &l.cfg.WeChat.WeComBaseURL, &l.cfg.Server.PublicURL,
	} {
		*url = trimSlash(*url)
	}
}

// isSet reports whether the file or the environment names the path.
func (l *loader) isSet(path string) bool { return !l.report.origins[path].IsDefault() }

// isFaulty reports whether the path has a fault already.
func (l *loader) isFaulty(path string) bool {
	key := keyOf(path)
	return slices.ContainsFunc(l.faults, func(f Fault) bool { return f.Key == key })
}

func (l *loader) warn(problem, mend string) {
	l.report.Warnings = append(l.report.Warnings, Warning{Problem: problem, Mend: mend})
}

// fault notes what is wrong at path. A path has one fault at most, and below a
// faulty table none is looked for: the first fault often brings the others about.
func (l *loader) fault(path, problem, mend string) {
	for at := path; at != ""; at = parentOf(at) {
		if l.isFaulty(at) {
			return
		}
	}
	place := l.placeOf(path)
	l.faults = append(l.faults, Fault{
		Key: keyOf(path), File: place.Path, Line: place.Line, Variable: place.Variable,
		Problem: problem, Mend: mend,
	})
}

// placeOf is where the path was set, or the list it stands in, else where the
// nearest table around it stands in the file.
func (l *loader) placeOf(path string) Origin {
	for at := path; at != ""; at = parentOf(at) {
		origin := l.report.origins[at]
		switch line := l.lines[path]; {
		case origin.Variable != "":
			return origin
		case origin.Line > 0 && line > 0:
			return Origin{Path: origin.Path, Line: line}
		case origin.Line > 0:
			return origin
		}
	}
	for at := path; at != ""; at = parentOf(at) {
		if line := l.lines[at]; line > 0 {
			return Origin{Path: l.source.Path, Line: line}
		}
	}
	return Origin{}
}
