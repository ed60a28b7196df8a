package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"unicode"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/doctor"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

const aboutDoctor = `checks configuration, files, master key, database, clocks, replicas, open alerts,
WeChat, accounts, budgets, addresses and what waits to be delivered, and says of
each what works, what does not, and what to do. It changes nothing, may run beside
a server, and never makes a call to WeChat that ends a token. Exit code 1 where
something does not work.

  ok     works
  note   not checked, or worth knowing
  WARN   works, and will not for ever
  FAIL   does not work
`

func doctorCommand(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign doctor", "[--json] [--offline] [--account A,B]", aboutDoctor)
	asJSON := flags.Bool("json", false, "print one JSON object")
	offline := flags.Bool("offline", false, "ask only this machine and the database")
	accounts := flags.String("account", "", "look at these `AppIDs` only")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	visit := &visit{stdout: env.Stdout, json: *asJSON}
	c, report, err := loadConfig(env)
	if err != nil {
		visit.found(doctor.Finding{Check: "config", Verdict: doctor.Fail, Text: err.Error(), Mend: "correct it; `wxsign config new` prints a file with every key"})
		return visit.end()
	}
	for _, warning := range report.Warnings {
		visit.found(doctor.Finding{Check: "config", Verdict: doctor.Warn, Text: warning.Problem, Mend: warning.Mend})
	}
	o := doctor.Options{Config: c, Offline: *offline, Found: visit.found}
	if !c.Simulator.Enabled { // the demo's secrets stand in the repository
		o.SecretFiles = report.SecretFiles
	}
	o.Accounts = strings.FieldsFunc(*accounts, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) // as people write lists
	if err := examine(ctx, env, o); err != nil {
		return err
	}
	return visit.end()
}

// examine gives the doctor what it needs of the rest of the program.
func examine(ctx context.Context, env Env, o doctor.Options) error {
	c := o.Config
	if _, err := os.Stat(env.ConfigPath); !errors.Is(err, fs.ErrNotExist) {
		o.ConfigPath = env.ConfigPath
	}
	client, err := newWeChat(c, c.WeChat.BaseURL)
	if err != nil {
		return err
	}
	if o.WeCom, err = newWeCom(c, c.WeChat.WeComBaseURL); err != nil {
		return err
	}
	o.WeChat = client
	if o.RootCAs, err = authorities(c); err != nil {
		return err
	}
	o.Keyring = func() (*secret.Keyring, error) { return loadKeyring(c) }
	// What goes wrong becomes a finding; a log between them would only repeat it.
	o.OpenStore = func() (*model.Store, error) { return openStore(c, slog.New(slog.DiscardHandler)) }
	o.ProveKey = func(ctx context.Context, store *model.Store, ring *secret.Keyring) error {
		checks, err := store.KeyChecks(ctx)
		if err != nil {
			return err
		}
		return proveMasterKey(checks, ring)
	}
	o.SecretPlace, o.ValuePlace = keeper.AppSecretPlace, keeper.ValuePlace
	o.RedisTLS = func() (*tls.Config, error) { return redisTLS(c) }
	o.HeldPlace = func(appID, role string) string { return account.HeldSecretPlace(keeper.AppSecretPlace, appID, role) }
	if err := tellOfServers(c, &o); err != nil {
		return err
	}
	d, err := doctor.New(o)
	if err != nil {
		return err
	}
	o.Found(doctor.Finding{Check: "config", Verdict: doctor.OK, Text: configText(env, o.ConfigPath)})
	d.Run(ctx)
	return nil
}

func configText(env Env, path string) string {
	if path == "" {
		return "there is no " + env.ConfigPath + ": defaults and the environment hold"
	}
	return path + " is valid"
}

// newWeChat is the client as the configuration says; base is where WeChat is.
func newWeChat(c config.Config, base string) (*wechat.Client, error) {
	roots, err := authorities(c)
	if err != nil {
		return nil, err
	}
	return wechat.New(wechat.Options{
		RootCAs: roots,
		BaseURL: base, FallbackURL: c.WeChat.FallbackURL,
		Timeout: c.WeChat.Timeout.Std(), ConnectTimeout: c.WeChat.ConnectTimeout.Std(), UserAgent: "wxsign/" + thisBuild().Version,
	})
}

// visit gathers findings and prints them: lines at once, JSON at the end.
type visit struct {
	stdout   io.Writer
	json     bool
	findings []doctor.Finding
	failed   int
	warned   int
}

func (v *visit) found(f doctor.Finding) {
	v.findings = append(v.findings, f)
	word := string(f.Verdict)
	switch f.Verdict {
	case doctor.Fail:
		v.failed++
		word = "FAIL"
	case doctor.Warn:
		v.warned++
		word = "WARN"
	case doctor.OK, doctor.Note:
	}
	if v.json {
		return
	}
	text := f.Text
	if f.Account != "" {
		text = f.Account + " " + text
	}
	say(v.stdout, "%-4s  %-11s  %s\n", word, f.Check, indented(text))
	if f.Mend != "" {
		say(v.stdout, "%19s→ %s\n", "", indented(f.Mend))
	}
}

// indented keeps the lines of a text below its first one.
func indented(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", 19))
}

// errUnwell makes the exit code 1; the findings stand on stdout.
var errUnwell = errors.New("something does not work; see the lines with FAIL")

// end prints the summary.
func (v *visit) end() error {
	verdict := doctor.OK
	switch {
	case v.failed > 0:
		verdict = doctor.Fail
	case v.warned > 0:
		verdict = doctor.Warn
	}
	if v.json {
		encoder := json.NewEncoder(v.stdout)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(map[string]any{"verdict": verdict, "version": thisBuild().Version, "findings": v.findings}); err != nil {
			return err
		}
	} else {
		say(v.stdout, "\n%d findings: %d do not work, %d to look after\n", len(v.findings), v.failed, v.warned)
	}
	if v.failed > 0 {
		return fmt.Errorf("%w (%d of them)", errUnwell, v.failed)
	}
	return nil
}
