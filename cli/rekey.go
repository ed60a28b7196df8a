package cli

import (
	"context"
	"fmt"

	"github.com/wxsign/wxsign/service/rekey"
)

// rotateMasterKey seals everything with the first key of security.master_key.
func rotateMasterKey(ctx context.Context, env Env) error {
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	log := newLogger(c.Log, env.Stderr)
	ring, err := loadKeyring(c)
	if err != nil {
		return err
	}
	store, err := openStore(c, log)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // the command's own error matters more
	if err := store.CheckSchema(ctx); err != nil {
		return err
	}
	if err := checkMasterKey(ctx, store, ring); err != nil {
		return err
	}
	report, err := rekey.Run(ctx, rekey.Options{Store: store, Keyring: ring, Logger: log})
	if err != nil {
		return fmt.Errorf("%d values were sealed anew, then: %w", report.Resealed, err)
	}
	_, err = fmt.Fprintf(env.Stdout, "All %d sealed values are sealed with key id %s; %d of them were sealed anew now.\nThe older keys can be removed from security.master_key on every replica. Keep them with your database backups:\na backup from before this day opens only with them.\n",
		report.Values, ring.SealingKeyID(), report.Resealed)
	return err
}
