package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account/rules"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/secret"
)

// heldPlace is where a secret is sealed for that is not in use: it does not
// open in the place of the one that is.
func (e *Editor) heldPlace(appID, role string) string {
	return HeldSecretPlace(e.SecretPlace, appID, role)
}

// HeldSecretPlace is the place of a held secret; place is that of AppSecrets.
func HeldSecretPlace(place func(appID string) string, appID, role string) string {
	return place(appID) + "|" + role
}

// The AppSecrets that are held beside the one in use.
const (
	NextSecret     = model.SecretNext
	PreviousSecret = model.SecretPrevious
)

// EnterSecret is the first step to another AppSecret: it is kept beside the one
// in use and tested. Errors: *InvalidError, ErrSameSecret, ErrUnknown,
// ErrFromFile, or the store's; that WeChat refuses it is no error.
func (e *Editor) EnterSecret(ctx context.Context, by audit.Entry, appID, entered string) error {
	next := secret.New(strings.TrimSpace(entered))
	row, err := e.editable(ctx, appID)
	if err != nil {
		return err
	}
	c := checker{}
	c.add(FieldSecret, "", rules.Secret(next.Reveal()))
	if err := c.err(); err != nil {
		return err
	}
	if current, err := e.current(row); err == nil && current.Equal(next) {
		return ErrSameSecret
	}
	if err := e.record(ctx, by, EnteredSecret, appID+" "+next.Fingerprint()); err != nil {
		return err
	}
	if err := e.Store.HoldSecret(ctx, e.toHold(by.Actor, appID, model.SecretNext, next), e.Life.Milliseconds()); err != nil {
		return err
	}
	return e.test(ctx, row, next)
}

// toHold is a secret as it is kept beside the one in use.
func (e *Editor) toHold(actor, appID, role string, value secret.Secret) model.HeldSecret {
	return model.HeldSecret{
		AppID: appID, Role: role, Actor: actor, SecretEnc: e.Sealer.Seal(value, e.heldPlace(appID, role)), KeyID: e.Sealer.SealingKeyID(),
	}
}

// TestSecret asks WeChat again about the AppSecret that was entered. Errors:
// ErrNoSecret, ErrUnknown, ErrFromFile, ErrSealed, or the store's.
func (e *Editor) TestSecret(ctx context.Context, by audit.Entry, appID string) error {
	row, err := e.editable(ctx, appID)
	if err != nil {
		return err
	}
	_, next, err := e.held(ctx, appID, model.SecretNext)
	if err != nil {
		return err
	}
	if err := e.record(ctx, by, TestedSecret, appID+" "+next.Fingerprint()); err != nil {
		return err
	}
	return e.test(ctx, row, next)
}

// test asks WeChat and writes down what it says.
func (e *Editor) test(ctx context.Context, row model.Account, next secret.Secret) error {
	held, stored, err := e.held(ctx, row.AppID, model.SecretNext)
	if err != nil {
		return err
	}
	if !stored.Equal(next) {
		return ErrOvertaken // somebody else has entered another one
	}
	verdict := e.Tester.TestSecret(ctx, row.Platform, row.AppID, next)
	held.Accepted, held.TestErrcode, held.TestText = verdict.Accepted, verdict.Errcode, verdict.Text
	noted, err := e.Store.NoteSecretTest(ctx, held)
	if err == nil && !noted {
		err = ErrOvertaken
	}
	return err
}

// SwitchSecret uses the AppSecret that was entered and accepted from now on and
// keeps the one before it. Errors: ErrNoSecret, ErrUntested, ErrUnknown,
// ErrFromFile, ErrOvertaken, ErrSealed, or the store's.
func (e *Editor) SwitchSecret(ctx context.Context, by audit.Entry, appID string, rev int64) error {
	row, err := e.own(ctx, appID, rev)
	if err != nil {
		return err
	}
	held, next, err := e.held(ctx, appID, model.SecretNext)
	switch {
	case err != nil:
		return err
	case !held.Accepted:
		return ErrUntested
	}
	if err := e.record(ctx, by, SwitchedSecret, appID+" "+next.Fingerprint()); err != nil {
		return err
	}
	if err := e.replace(ctx, by, row, next); err != nil {
		return err
	}
	_, err = e.Store.DropSecret(ctx, appID, model.SecretNext)
	return err
}

// RollBackSecret uses the AppSecret before the present one again and keeps the
// present one in its place. Errors as of SwitchSecret but ErrUntested.
func (e *Editor) RollBackSecret(ctx context.Context, by audit.Entry, appID string, rev int64) error {
	row, err := e.own(ctx, appID, rev)
	if err != nil {
		return err
	}
	_, previous, err := e.held(ctx, appID, model.SecretPrevious)
	if err != nil {
		return err
	}
	if err := e.record(ctx, by, RolledBack, appID+" "+previous.Fingerprint()); err != nil {
		return err
	}
	return e.replace(ctx, by, row, previous)
}

// replace uses another secret and keeps the present one as the previous one, in
// one step: whatever ends in between, and whoever was faster, none is lost.
func (e *Editor) replace(ctx context.Context, by audit.Entry, row model.Account, next secret.Secret) error {
	present, err := e.current(row)
	if err != nil && !errors.Is(err, ErrSealed) {
		return err
	}
	e.seal(&row, next)
	if err != nil || present.Equal(next) { // nobody could go back to it, or would
		return e.update(ctx, row)
	}
	done, err := e.Store.SwitchSecret(ctx, model.SecretSwitch{
		Account: row, Kinds: Settings{Tickets: row.Tickets}.kinds(),
		Left: e.toHold(by.Actor, row.AppID, model.SecretPrevious, present), LifeMs: e.Life.Milliseconds(),
	})
	if err == nil && !done {
		err = ErrOvertaken
	}
	return err
}

// DropSecret forgets an AppSecret that is not in use; role is NextSecret or
// PreviousSecret. Errors: ErrNoSecret, ErrUnknown, ErrFromFile, or the store's.
func (e *Editor) DropSecret(ctx context.Context, by audit.Entry, appID, role string) error {
	if _, err := e.editable(ctx, appID); err != nil {
		return err
	}
	if err := e.record(ctx, by, DroppedSecret, appID+" "+role); err != nil {
		return err
	}
	dropped, err := e.Store.DropSecret(ctx, appID, role)
	if err == nil && !dropped {
		err = ErrNoSecret
	}
	return err
}

// Purge forgets held secrets whose time is over.
func (e *Editor) Purge(ctx context.Context) error {
	_, err := e.Store.PurgeSecrets(ctx)
	return err
}

func (e *Editor) editable(ctx context.Context, appID string) (model.Account, error) {
	row, err := e.Store.Account(ctx, appID)
	if err == nil && row.Origin != model.OriginPanel {
		err = ErrFromFile
	}
	return row, err
}

func (e *Editor) current(row model.Account) (secret.Secret, error) {
	value, err := e.Sealer.Open(row.SecretEnc, e.SecretPlace(row.AppID))
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return value, err
}

// held reads and opens a secret that is not in use.
func (e *Editor) held(ctx context.Context, appID, role string) (model.HeldSecret, secret.Secret, error) {
	rows, _, err := e.Store.HeldSecrets(ctx, []string{appID})
	if err != nil {
		return model.HeldSecret{}, secret.Secret{}, err
	}
	for _, row := range rows {
		if row.Role == role {
			value, err := e.Sealer.Open(row.SecretEnc, e.heldPlace(appID, role))
			if err != nil {
				err = fmt.Errorf("%w: %w", ErrSealed, err)
			}
			return row, value, err
		}
	}
	return model.HeldSecret{}, secret.Secret{}, ErrNoSecret
}
