package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wxsign/wxsign/service/config"
)

// configError is the error of a configuration that cannot be used: a line
// above all of its faults.
type configError struct {
	path   string
	faults config.Faults
}

func (e configError) Error() string {
	count := "1 fault"
	if n := len(e.faults); n != 1 {
		count = fmt.Sprintf("%d faults", n)
	}
	return fmt.Sprintf("the configuration %s has %s:\n%v", e.path, count, e.faults)
}

func (e configError) Unwrap() error { return e.faults }

// loadConfig reads the configuration as every command sees it. The file need
// not be there unless it was asked for: then the defaults and the environment
// are all there is.
func loadConfig(env Env) (config.Config, config.Report, error) {
	text, err := os.ReadFile(env.ConfigPath)
	if errors.Is(err, fs.ErrNotExist) && !env.ConfigPathGiven {
		err = nil
	}
	if err != nil {
		return config.Config{}, config.Report{}, fmt.Errorf("read the configuration: %w", err)
	}
	cfg, report, err := config.Load(config.Source{Path: env.ConfigPath, Text: text, Env: env.Environ})
	if faults, ok := errors.AsType[config.Faults](err); ok {
		err = configError{path: env.ConfigPath, faults: faults}
	}
	return cfg, report, err
}

const aboutConfig = `  new    print a commented file with the values for production
  check  name every fault of the configuration at once
  show   print the values in force as TOML, secrets masked, and where each came from
`

func configCommand(_ context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign config", "new | check | show", aboutConfig)
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	switch name := flags.Arg(0); name {
	case "new":
		return configNew(env, flags.Args()[1:])
	case "check":
		return configCheck(env, flags.Args()[1:])
	case "show":
		return configShow(env, flags.Args()[1:])
	case "":
		return usageError{"config: say new, check or show"}
	default:
		return usageError{fmt.Sprintf("config: there is no %q; say new, check or show", name)}
	}
}

// withoutArguments reads the flags of a command that has none but --help.
func withoutArguments(env Env, args []string, name, about string) error {
	flags := newFlags(env, name, "", about)
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	return noArguments(flags)
}

func configNew(env Env, args []string) error {
	const about = "Prints a commented config.toml with the values for production:\n  wxsign config new > config.toml\n"
	if err := withoutArguments(env, args, "wxsign config new", about); err != nil {
		return err
	}
	_, err := fmt.Fprint(env.Stdout, config.Production(env.Shipped))
	return err
}

func configCheck(env Env, args []string) error {
	const about = "Checks the file and the environment and names every fault at once, each with its place and its mend.\n"
	if err := withoutArguments(env, args, "wxsign config check", about); err != nil {
		return err
	}
	_, report, err := loadConfig(env)
	if warnErr := printWarnings(env, report); err == nil {
		err = warnErr
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "%s is valid\n", env.ConfigPath)
	return err
}

func configShow(env Env, args []string) error {
	const about = "Prints the values in force as TOML. Secrets are masked; the comment behind a value says where it came from.\n"
	if err := withoutArguments(env, args, "wxsign config show", about); err != nil {
		return err
	}
	cfg, report, err := loadConfig(env)
	if err != nil {
		return err
	}
	if err := printWarnings(env, report); err != nil {
		return err
	}
	_, err = fmt.Fprint(env.Stdout, config.Show(cfg, report))
	return err
}

func printWarnings(env Env, report config.Report) error {
	for _, warning := range report.Warnings {
		if _, err := fmt.Fprintf(env.Stderr, "warning: %s\n", warning); err != nil {
			return err
		}
	}
	return nil
}
