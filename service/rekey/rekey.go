// Package rekey seals everything in the database with the newest master key,
// so that an old one can be thrown away.
//
// Replicas serve on meanwhile: they open with all keys of their ring, and every
// row is replaced by comparing it with what was read. A run that was killed
// left some rows done and none half done; the next run goes on.
package rekey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
)

// Store is what Run needs of the database; *model.Store is one.
type Store interface {
	Accounts(ctx context.Context, after string, limit int) ([]model.Account, error)
	Credentials(ctx context.Context, appIDs []string) ([]model.CredentialNow, error)
	ResealSecret(ctx context.Context, appID string, r model.Reseal) (bool, error)
	ResealValue(ctx context.Context, appID, kind string, r model.Reseal) (bool, error)
	HeldSecrets(ctx context.Context, appIDs []string) ([]model.HeldSecret, int64, error)
	ResealHeldSecret(ctx context.Context, appID, role string, r model.Reseal) (bool, error)
	ForgetKeyChecks(ctx context.Context, keepID string) error
}

// Options of Run. Store and Keyring are required. Zero fields mean: Logger =
// slog.Default().
type Options struct {
	Store   Store
	Keyring *secret.Keyring // its first key is the new one
	Logger  *slog.Logger
}

// Report says what a run did.
type Report struct {
	Resealed int // values that were sealed with another key
	Values   int // all sealed values that the last look found
}

// ErrUnreadable says that some values cannot be opened with any key of the
// ring; they were left as they are.
var ErrUnreadable = errors.New("some values cannot be opened with any of the master keys given: add the key that sealed them (the log names account and key id), or enter these accounts' secrets anew")

// ErrBusy says that values kept being sealed with an old key.
var ErrBusy = errors.New("values keep being sealed with an old master key: a replica still has it as its first. Put the new key first on every replica, restart them, and run this again")

// mostPasses bounds the looks at the whole database. Two are enough where all
// replicas seal with the new key: the second finds what was being written
// during the first.
const mostPasses = 5

// Run seals anew until a whole look at the database finds nothing left to do,
// and then drops the checks of the old keys.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Store == nil || o.Keyring == nil {
		return Report{}, errors.New("rekey: Store and Keyring are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	var report Report
	for range mostPasses {
		p := pass{Options: o}
		err := p.run(ctx)
		report.Resealed += p.resealed
		report.Values = p.values
		switch {
		case err != nil:
			return report, err
		case p.unreadable > 0:
			return report, fmt.Errorf("%w (%d of %d)", ErrUnreadable, p.unreadable, p.values)
		case p.resealed == 0 && p.overtaken == 0:
			return report, o.Store.ForgetKeyChecks(ctx, o.Keyring.SealingKeyID())
		}
	}
	return report, ErrBusy
}

// pass is one look at the whole database.
type pass struct {
	Options
	values, resealed, overtaken, unreadable int
}

// page is how many accounts are read at once.
const page = 500

func (p *pass) run(ctx context.Context) error {
	after := ""
	for {
		accounts, err := p.Store.Accounts(ctx, after, page)
		if err != nil || len(accounts) == 0 {
			return err
		}
		if err := p.accounts(ctx, accounts); err != nil {
			return err
		}
		after = accounts[len(accounts)-1].AppID
	}
}

func (p *pass) accounts(ctx context.Context, accounts []model.Account) error {
	appIDs := make([]string, 0, len(accounts))
	for _, a := range accounts {
		appIDs = append(appIDs, a.AppID)
		err := p.value(a.SecretEnc, keeper.AppSecretPlace(a.AppID), func(r model.Reseal) (bool, error) {
			return p.Store.ResealSecret(ctx, a.AppID, r)
		})
		if err != nil {
			return err
		}
	}
	credentials, err := p.Store.Credentials(ctx, appIDs)
	if err != nil {
		return err
	}
	for i := range credentials {
		c := &credentials[i].Credential
		err := p.value(c.ValueEnc, keeper.ValuePlace(c.AppID, c.Kind, c.PublishID), func(r model.Reseal) (bool, error) {
			return p.Store.ResealValue(ctx, c.AppID, c.Kind, r)
		})
		if err != nil {
			return err
		}
	}
	return p.held(ctx, appIDs)
}

// held seals the AppSecrets that are not in use: the next one, which was entered,
// and the previous one, to which one may roll back.
func (p *pass) held(ctx context.Context, appIDs []string) error {
	held, _, err := p.Store.HeldSecrets(ctx, appIDs)
	if err != nil {
		return err
	}
	for _, h := range held {
		err := p.value(h.SecretEnc, account.HeldSecretPlace(keeper.AppSecretPlace, h.AppID, h.Role), func(r model.Reseal) (bool, error) {
			return p.Store.ResealHeldSecret(ctx, h.AppID, h.Role, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// value seals one envelope anew, unless the new key has sealed it already.
func (p *pass) value(envelope []byte, place string, replace func(model.Reseal) (bool, error)) error {
	if len(envelope) == 0 {
		return nil
	}
	p.values++
	newID := p.Keyring.SealingKeyID()
	if secret.KeyID(envelope) == newID {
		return nil
	}
	value, err := p.Keyring.Open(envelope, place)
	if err != nil {
		p.unreadable++
		p.Logger.Error("a sealed value cannot be opened and stays as it is", "place", place, "key_id", secret.KeyID(envelope), "err", err)
		return nil
	}
	done, err := replace(model.Reseal{Was: envelope, Is: p.Keyring.Seal(value, place), KeyID: newID})
	switch {
	case err != nil:
		return err
	case done:
		p.resealed++
	default:
		p.overtaken++
	}
	return nil
}
