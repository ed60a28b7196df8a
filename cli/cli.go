// Package cli is the command line: a file per command. It is the one place
// that knows every part of the program and puts them together.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// Env is what the process was given.
type Env struct {
	Args    []string // without the program's name
	Environ []string // KEY=VALUE
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	// ConfigPath is --config; ConfigPathGiven tells that it was asked for.
	ConfigPath      string
	ConfigPathGiven bool
	// Shipped is config.toml as the program was built with it.
	Shipped string
}

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// usageError is wrong usage of a command: exit code 2.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// command is an entry of the command table.
type command struct {
	name, summary string
	run           func(ctx context.Context, env Env, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "migrate the database, keep credentials fresh, sign pages (the default)", serveCommand},
		{"migrate", "up | status: the database schema", migrateCommand},
		{"config", "new | check | show: the configuration", configCommand},
		{"master-key", "new | rotate | lost: the keys that seal secrets in the database", masterKeyCommand},
		{"admin", "reset-password NAME: a one-time password for the panel", adminCommand},
		{"verify-file", "add | list | remove: files that prove a domain to WeChat's console", verifyFileCommand},
		{"doctor", "what works, what does not, what to do", doctorCommand},
		{"key", "create | list | revoke: API keys for business servers", keyCommand},
		{"alert", "test: send a test message to mail, webhooks and the WeCom robot", alertCommand},
		{"health", "does the server of this configuration answer? For containers", healthCommand},
		{"sign", "sign a page URL with the stored ticket", signCommand},
		{"verify", "explain a signature that WeChat refused", verifyCommand},
		{"simulator", "run only the pretend WeChat, for tests", simulatorCommand},
	}
}

// Run executes one command and returns the exit code.
func Run(ctx context.Context, env Env) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// After the first signal the default action is back: the second one ends
	// the process at once.
	context.AfterFunc(ctx, stop)
	err := dispatch(ctx, env)
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &usage):
		say(env.Stderr, "wxsign: %v\nRun `wxsign --help` for the commands.\n", err)
		return exitUsage
	}
	say(env.Stderr, "wxsign: %v\n", err)
	return exitError
}

// say writes for people. That nobody reads is no error of the command.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func dispatch(ctx context.Context, env Env) error {
	flags := newFlags(env, "wxsign", "[--config config.toml] <command>", overview())
	flags.StringVar(&env.ConfigPath, "config", "config.toml", "the configuration `file`")
	version := flags.Bool("version", false, "print the version and end")
	if err := parseFlags(flags, env.Args); err != nil {
		return err
	}
	flags.Visit(func(f *flag.Flag) { env.ConfigPathGiven = env.ConfigPathGiven || f.Name == "config" })
	if *version {
		_, err := fmt.Fprintln(env.Stdout, thisBuild())
		return err
	}
	name, args := "serve", []string(nil)
	if flags.NArg() > 0 {
		name, args = flags.Arg(0), flags.Args()[1:]
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, env, args)
		}
	}
	return usageError{fmt.Sprintf("there is no command %q", name)}
}

func overview() string {
	var text strings.Builder
	text.WriteString("Commands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&text, "  %-11s %s\n", c.name, c.summary)
	}
	text.WriteString("\nEvery command has --help.\n")
	return text.String()
}

// newFlags makes the flag set of a command with its help text.
func newFlags(env Env, name, usage, about string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(env.Stderr)
	flags.Usage = func() {
		// Help that was asked for is output, not an error.
		flags.SetOutput(env.Stdout)
		say(env.Stdout, "Usage: %s %s\n\n%s", name, usage, about)
		hasFlags := false
		flags.VisitAll(func(*flag.Flag) { hasFlags = true })
		if hasFlags {
			say(env.Stdout, "\nFlags:\n")
			flags.PrintDefaults()
		}
	}
	return flags
}

// parseFlags makes a wrong flag a usageError; flag.ErrHelp stays what it is.
func parseFlags(flags *flag.FlagSet, args []string) error {
	usage := flags.Usage
	flags.Usage = func() {}
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage()
		return err
	case err != nil:
		return usageError{err.Error()}
	}
	return nil
}

// parseWords is parseFlags of a command that takes words, as in `migrate up`:
// behind them --help is help, too, and never a word.
func parseWords(flags *flag.FlagSet, args []string) error {
	if slices.ContainsFunc(args, func(arg string) bool { return arg == "--help" || arg == "-help" || arg == "-h" }) {
		args = []string{"--help"}
	}
	return parseFlags(flags, args)
}

// noArguments is a usageError where anything is left behind the flags.
func noArguments(flags *flag.FlagSet) error {
	if flags.NArg() > 0 {
		return usageError{fmt.Sprintf("%s: unexpected %q", flags.Name(), flags.Arg(0))}
	}
	return nil
}
