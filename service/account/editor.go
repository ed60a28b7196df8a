package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account/rules"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/secret"
)

// EditorStore is what an Editor needs of the database; *model.Store is one.
type EditorStore interface {
	Now(ctx context.Context) (int64, error)
	Account(ctx context.Context, appID string) (model.Account, error)
	InsertAccount(ctx context.Context, a model.Account, kinds []string) error
	UpdateAccount(ctx context.Context, a model.Account, kinds []string) (bool, error)
	DeleteAccount(ctx context.Context, appID string, rev int64) (bool, error)
	ClearRemains(ctx context.Context, appIDs ...string) error
	Credentials(ctx context.Context, appIDs []string) ([]model.CredentialNow, error)

	HeldSecrets(ctx context.Context, appIDs []string) ([]model.HeldSecret, int64, error)
	HoldSecret(ctx context.Context, h model.HeldSecret, lifeMs int64) error
	SwitchSecret(ctx context.Context, w model.SecretSwitch) (bool, error)
	NoteSecretTest(ctx context.Context, h model.HeldSecret) (bool, error)
	DropSecret(ctx context.Context, appID, role string) (bool, error)
	PurgeSecrets(ctx context.Context) (int64, error)
}

// Verdict is what WeChat says of an AppSecret.
type Verdict struct {
	Accepted bool
	Errcode  int    // WeChat's, 0 where there was none
	Text     string // what happened and what to do, in the form of the history
}

// Tester asks WeChat whether an AppSecret is right, by a call that changes
// nothing for the programs that use the account.
type Tester interface {
	TestSecret(ctx context.Context, platform, appID string, appSecret secret.Secret) Verdict
}

// Refresher renews a credential because a person asks for it.
type Refresher interface {
	// RefreshNow returns a word for how it went.
	RefreshNow(ctx context.Context, appID, kind, person, reason string) (result string, err error)
}

// EditorOptions of NewEditor; all are required but Life, which is 7 days.
type EditorOptions struct {
	Store     EditorStore
	Sealer    Sealer
	Audit     *audit.Log
	Tester    Tester
	Refresher Refresher
	// SecretPlace and ValuePlace name the places that values are sealed for.
	SecretPlace func(appID string) string
	ValuePlace  func(appID, kind, publishID string) string
	// Life is how long an AppSecret is held that is not in use.
	Life time.Duration
}

// Editor is what people do with accounts in the panel. Everything is written
// to the audit log before it is done. It is safe for concurrent use.
type Editor struct {
	EditorOptions
	audit *audit.Log
}

// NewEditor checks the options.
func NewEditor(o EditorOptions) (*Editor, error) {
	if o.Store == nil || o.Sealer == nil || o.Audit == nil || o.Tester == nil || o.Refresher == nil || o.SecretPlace == nil ||
		o.ValuePlace == nil {
		return nil, errors.New("account editor: Store, Sealer, Audit, Tester, Refresher, SecretPlace and ValuePlace are required")
	}
	if o.Life <= 0 {
		o.Life = 7 * 24 * time.Hour
	}
	return &Editor{EditorOptions: o, audit: o.Audit}, nil
}

// Create makes an account of the panel, enabled, and returns its AppID. The
// AppSecret is taken as it was typed.
// Errors: *InvalidError, ErrTaken, or the store's.
func (e *Editor) Create(ctx context.Context, by audit.Entry, s Settings, appSecret string) (appID string, err error) {
	c := checker{}
	s, s.Secret = s.tidy(), secret.New(strings.TrimSpace(appSecret))
	c.checkIdentity(s)
	c.add(FieldSecret, "", rules.Secret(s.Secret.Reveal()))
	c.check(s)
	if err := c.err(); err != nil {
		return "", err
	}
	switch _, err := e.Store.Account(ctx, s.AppID); {
	case err == nil:
		return "", ErrTaken
	case !errors.Is(err, model.ErrNotFound):
		return "", err
	}
	if err := e.record(ctx, by, Created, s.AppID); err != nil {
		return "", err
	}
	if err := e.Store.ClearRemains(ctx, s.AppID); err != nil {
		return "", err
	}
	row := model.Account{Platform: s.Platform, AppID: s.AppID, Origin: model.OriginPanel, Enabled: true}
	e.write(&row, s)
	e.seal(&row, s.Secret)
	if err := e.Store.InsertAccount(ctx, row, s.kinds()); err != nil {
		if errors.Is(err, model.ErrDuplicate) {
			err = ErrTaken
		}
		return "", err
	}
	return s.AppID, nil
}

// write puts what people may change into a row.
func (e *Editor) write(row *model.Account, s Settings) {
	row.Name, row.TokenMode, row.Tickets, row.Domains = s.Name, s.TokenMode, s.Tickets, s.Domains
	row.AllowHTTP, row.Profiles = s.AllowHTTP, s.Profiles
}

func (e *Editor) seal(row *model.Account, appSecret secret.Secret) {
	row.SecretEnc, row.KeyID = e.Sealer.Seal(appSecret, e.SecretPlace(row.AppID)), e.Sealer.SealingKeyID()
}

// Edit changes an account that was read with the revision given; its platform,
// AppID and AppSecret stay. It reports whether there was a change at all.
// Errors: *InvalidError, ErrUnknown, ErrFromFile, ErrOvertaken, or the store's.
func (e *Editor) Edit(ctx context.Context, by audit.Entry, rev int64, s Settings) (changed bool, err error) {
	row, err := e.own(ctx, s.AppID, rev)
	if err != nil {
		return false, err
	}
	s.Platform = row.Platform
	s.CorpID, s.AgentID = splitWeCom(row)
	c := checker{}
	s = s.tidy()
	c.check(s)
	if err := c.err(); err != nil {
		return false, err
	}
	fields := differences(row, s)
	if len(fields) == 0 {
		return false, nil
	}
	if err := e.record(ctx, by, Edited, row.AppID+" "+strings.Join(fields, ", ")); err != nil {
		return false, err
	}
	e.write(&row, s)
	return true, e.update(ctx, row)
}

// update writes a row that own has read.
func (e *Editor) update(ctx context.Context, row model.Account) error {
	done, err := e.Store.UpdateAccount(ctx, row, Settings{Tickets: row.Tickets}.kinds())
	if err == nil && !done {
		err = ErrOvertaken
	}
	return err
}

// own reads an account that may be edited here and still has the revision.
func (e *Editor) own(ctx context.Context, appID string, rev int64) (model.Account, error) {
	row, err := e.Store.Account(ctx, appID)
	switch {
	case err != nil:
		return row, err
	case row.Origin != model.OriginPanel:
		return row, ErrFromFile
	case row.ConfigRev != rev:
		return row, ErrOvertaken
	}
	return row, nil
}

// differences names the fields that an edit changes.
func differences(row model.Account, s Settings) []string {
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{FieldName, row.Name == s.Name},
		{FieldMode, row.TokenMode == s.TokenMode},
		{FieldTickets, slices.Equal(row.Tickets, s.Tickets)},
		{FieldDomains, slices.Equal(row.Domains, s.Domains)},
		{FieldHTTP, row.AllowHTTP == s.AllowHTTP},
		{FieldProfiles, equalProfiles(row.Profiles, s.Profiles)},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// SetEnabled switches an account on or off. Errors as of Edit.
func (e *Editor) SetEnabled(ctx context.Context, by audit.Entry, appID string, rev int64, enabled bool) error {
	row, err := e.own(ctx, appID, rev)
	if err != nil || row.Enabled == enabled {
		return err
	}
	action := Disabled
	if enabled {
		action = Enabled
	}
	if err := e.record(ctx, by, action, appID); err != nil {
		return err
	}
	row.Enabled = enabled
	return e.update(ctx, row)
}

// Delete deletes a disabled account with its secrets and values; its history
// stays. Errors as of Edit, and ErrEnabled.
func (e *Editor) Delete(ctx context.Context, by audit.Entry, appID string, rev int64) error {
	row, err := e.own(ctx, appID, rev)
	switch {
	case err != nil:
		return err
	case row.Enabled:
		return ErrEnabled
	}
	if err := e.record(ctx, by, Deleted, appID); err != nil {
		return err
	}
	done, err := e.Store.DeleteAccount(ctx, appID, rev)
	if err == nil && !done {
		err = ErrOvertaken
	}
	return err
}

// Refresh renews a credential now, for a reason that goes into the audit log.
// Errors: ErrReason, ErrUnknown, or the Refresher's.
func (e *Editor) Refresh(ctx context.Context, by audit.Entry, appID, kind, reason string) (result string, err error) {
	if reason = strings.TrimSpace(reason); reason == "" {
		return "", ErrReason
	}
	if err := e.kept(ctx, appID, kind); err != nil {
		return "", err
	}
	if err := e.record(ctx, by, Refreshed, fmt.Sprintf("%s %s: %s", appID, kind, reason)); err != nil {
		return "", err
	}
	return e.Refresher.RefreshNow(ctx, appID, kind, by.Actor, reason)
}

// kept fails with ErrUnknown where the account keeps no such credential.
func (e *Editor) kept(ctx context.Context, appID, kind string) error {
	row, err := e.Store.Account(ctx, appID)
	if err == nil && !slices.Contains(Settings{Tickets: row.Tickets}.kinds(), kind) {
		err = fmt.Errorf("%s of %s: %w", kind, appID, ErrUnknown)
	}
	return err
}

// Reveal opens the live value of a credential, for a reason that goes into the
// audit log. Errors: ErrReason, ErrUnknown, ErrNoValue, ErrSealed, or the
// store's.
func (e *Editor) Reveal(ctx context.Context, by audit.Entry, appID, kind, reason string) (secret.Secret, error) {
	if reason = strings.TrimSpace(reason); reason == "" {
		return secret.Secret{}, ErrReason
	}
	if err := e.kept(ctx, appID, kind); err != nil {
		return secret.Secret{}, err
	}
	if err := e.record(ctx, by, Revealed, fmt.Sprintf("%s %s: %s", appID, kind, reason)); err != nil {
		return secret.Secret{}, err
	}
	rows, err := e.Store.Credentials(ctx, []string{appID})
	if err != nil {
		return secret.Secret{}, err
	}
	i := slices.IndexFunc(rows, func(c model.CredentialNow) bool { return c.Kind == kind })
	if i < 0 || rows[i].Version == 0 || rows[i].ExpiresMs <= rows[i].NowMs {
		return secret.Secret{}, ErrNoValue
	}
	value, err := e.Sealer.Open(rows[i].ValueEnc, e.ValuePlace(appID, kind, rows[i].PublishID))
	if err != nil {
		return secret.Secret{}, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return value, nil
}
