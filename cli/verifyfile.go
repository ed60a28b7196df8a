package cli

import (
	"context"
	"fmt"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/audit"
)

const aboutVerifyFile = `  add NAME [CONTENT]   answer GET /NAME; CONTENT is the code in NAME where it is left out
  list                 the files of the account
  remove NAME          answer 404 again

NAME is what WeChat's console gave: MP_verify_<code>.txt, for WeCom WW_verify_<code>.txt.
A serving wxsign on the same database answers at once.
`

func verifyFileCommand(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign verify-file", "--app-id A add NAME [CONTENT] | list | remove NAME", aboutVerifyFile)
	appID := flags.String("app-id", "", "the account's `AppID`")
	if err := parseWords(flags, args); err != nil {
		return err
	}
	n, fits := flags.NArg(), false
	switch flags.Arg(0) {
	case "add":
		fits = n == 2 || n == 3
	case "list":
		fits = n == 1
	case "remove":
		fits = n == 2
	}
	if !fits || *appID == "" {
		return usageError{"verify-file: say `wxsign verify-file --app-id A add NAME`, `… list` or `… remove NAME`"}
	}
	return withVerifyFiles(ctx, env, func(files *account.VerifyFiles) error {
		by := audit.Entry{Actor: audit.ActorCommandLine}
		switch flags.Arg(0) {
		case "add":
			return files.AddVerifyFile(ctx, by, *appID, account.VerifyFile{Name: flags.Arg(1), Body: flags.Arg(2)})
		case "remove":
			return files.RemoveVerifyFile(ctx, by, *appID, flags.Arg(1))
		}
		return listVerifyFiles(ctx, env, files, *appID)
	})
}

// withVerifyFiles opens the configured database for the command.
func withVerifyFiles(ctx context.Context, env Env, do func(*account.VerifyFiles) error) error {
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	log := newLogger(c.Log, env.Stderr)
	store, err := openStore(c, log)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // the command's own error matters more
	if err := prepareSchema(ctx, c.Database, store, log); err != nil {
		return err
	}
	files, err := newVerifyFiles(store)
	if err != nil {
		return err
	}
	return do(files)
}

func listVerifyFiles(ctx context.Context, env Env, files *account.VerifyFiles, appID string) error {
	all, err := files.VerifyFiles(ctx, appID)
	for _, file := range all {
		say(env.Stdout, "%s %s\n", file.Name, file.Body)
	}
	return err
}

func newVerifyFiles(store *model.Store) (*account.VerifyFiles, error) {
	entries, err := audit.New(store)
	if err != nil {
		return nil, fmt.Errorf("verify files: %w", err)
	}
	return account.NewVerifyFiles(store, entries)
}
