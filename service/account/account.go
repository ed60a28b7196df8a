// Package account keeps the accounts: who they are, sealed with their
// AppSecret. Those of the configuration file are registered here at the start,
// the others are made and edited in the panel.
//
//	account.go  the accounts of the file
//	editor.go   those of the panel: create, edit, disable, delete; refresh and reveal
//	rotate.go   another AppSecret: enter, test, switch, roll back
//	view.go     an account as people see it
//	check.go    what may be written; the rules themselves are package rules
//	actions.go  the words of the audit log, and the errors
package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/secret"
)

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	Account(ctx context.Context, appID string) (model.Account, error)
	Accounts(ctx context.Context, after string, limit int) ([]model.Account, error)
	InsertAccount(ctx context.Context, a model.Account, kinds []string) error
	UpdateAccount(ctx context.Context, a model.Account, kinds []string) (bool, error)
	AlignCredentials(ctx context.Context, a model.Account, kinds []string) error
	Misaligned(ctx context.Context) ([]model.Account, error)
	ClearRemains(ctx context.Context, appID string) error
}

// Sealer seals and opens AppSecrets; *secret.Keyring is one.
type Sealer interface {
	Seal(value secret.Secret, place string) []byte
	Open(envelope []byte, place string) (secret.Secret, error)
	SealingKeyID() string
}

// Settings are an account as somebody wrote them down.
type Settings struct {
	AppID string // on WeCom it follows from CorpID and AgentID
	// CorpID and AgentID are read where a WeCom account is made in the panel.
	CorpID    string
	AgentID   int
	Name      string
	Platform  string
	Secret    secret.Secret
	TokenMode string
	Tickets   []string
	Domains   []string
	AllowHTTP bool
	Profiles  map[string]model.Profile
}

// Registry is the accounts in the database.
type Registry struct {
	store  Store
	sealer Sealer
	place  func(appID string) string
	log    *slog.Logger
}

// Options of New; all are required but Logger.
type Options struct {
	Store  Store
	Sealer Sealer
	// SecretPlace names the place that an AppSecret is sealed for.
	SecretPlace func(appID string) string
	Logger      *slog.Logger
}

// New makes a Registry.
func New(o Options) (*Registry, error) {
	if o.Store == nil || o.Sealer == nil || o.SecretPlace == nil {
		return nil, errors.New("account: Store, Sealer and SecretPlace are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Registry{store: o.Store, sealer: o.Sealer, place: o.SecretPlace, log: o.Logger}, nil
}

// mostRaces bounds the repetitions when several replicas start with the same
// file at once.
const mostRaces = 10

// RegisterFile makes the stored accounts equal to those of the configuration
// file. An unchanged account is not touched, so a restart costs no renewal. An
// account that has left the file is disabled, not deleted: its values and its
// history stay, and it comes back with the file.
//
// All that is stored is read page by page, so that a start among thousands of
// accounts takes a few statements and not some for each.
func (r *Registry) RegisterFile(ctx context.Context, settings []Settings) error {
	inFile := make(map[string]*Settings, len(settings))
	for i := range settings {
		inFile[settings[i].AppID] = &settings[i]
	}
	asStored, err := r.compare(ctx, inFile)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if asStored[s.AppID] {
			continue
		}
		if err := r.register(ctx, s); err != nil {
			return fmt.Errorf("register account %s: %w", s.AppID, err)
		}
	}
	return r.align(ctx)
}

// compare goes through the stored accounts: it tells which are as the file says,
// and disables those that have left it.
func (r *Registry) compare(ctx context.Context, inFile map[string]*Settings) (asStored map[string]bool, err error) {
	const page = 500
	asStored = make(map[string]bool, len(inFile))
	for after := ""; ; {
		rows, err := r.store.Accounts(ctx, after, page)
		if err != nil || len(rows) == 0 {
			return asStored, err
		}
		for i := range rows {
			after = rows[i].AppID
			s := inFile[after]
			if s == nil {
				err = r.disable(ctx, rows[i])
			} else {
				asStored[after] = rows[i].Origin == model.OriginFile && r.equal(rows[i], *s)
			}
			if err != nil {
				return nil, err
			}
		}
	}
}

// align mends the credential rows of accounts whose editor died half-way.
func (r *Registry) align(ctx context.Context) error {
	rows, err := r.store.Misaligned(ctx)
	for i := range rows {
		err = errors.Join(err, r.store.AlignCredentials(ctx, rows[i], rows[i].Kinds()))
	}
	return err
}

func (r *Registry) register(ctx context.Context, s Settings) error {
	for range mostRaces {
		stored, err := r.store.Account(ctx, s.AppID)
		switch {
		case errors.Is(err, model.ErrNotFound):
			if err := r.store.ClearRemains(ctx, s.AppID); err != nil {
				return err
			}
			if err = r.store.InsertAccount(ctx, r.row(s), s.kinds()); !errors.Is(err, model.ErrDuplicate) {
				return err
			}
			continue // another replica was faster: compare with its row
		case err != nil:
			return err
		case stored.Origin != model.OriginFile:
			return fmt.Errorf("it was made in the panel already: delete it there, or take it out of the file")
		case r.equal(stored, s):
			return r.store.AlignCredentials(ctx, stored, s.kinds())
		}
		row := r.row(s)
		row.ConfigRev = stored.ConfigRev
		if done, err := r.store.UpdateAccount(ctx, row, s.kinds()); err != nil || done {
			return err
		}
	}
	return errors.New("other replicas keep changing it: do all replicas have the same configuration file?")
}

// equal compares with the stored row; the secret only after opening it.
func (r *Registry) equal(row model.Account, s Settings) bool {
	appSecret, err := r.sealer.Open(row.SecretEnc, r.place(row.AppID))
	want := r.row(s)
	return err == nil && appSecret.Equal(s.Secret) && row.Enabled &&
		row.Name == want.Name && row.Platform == want.Platform && row.TokenMode == want.TokenMode && row.AllowHTTP == want.AllowHTTP &&
		slices.Equal(row.Tickets, want.Tickets) && slices.Equal(row.Domains, want.Domains) && equalProfiles(row.Profiles, want.Profiles)
}

func equalProfiles(a, b model.Profiles) bool {
	if len(a) != len(b) {
		return false
	}
	for name, p := range a {
		q, found := b[name]
		if !found || p.Debug != q.Debug || !slices.Equal(p.JSAPIList, q.JSAPIList) || !slices.Equal(p.OpenTagList, q.OpenTagList) {
			return false
		}
	}
	return true
}

func (r *Registry) row(s Settings) model.Account {
	return model.Account{
		AppID: s.AppID, Name: s.Name, Platform: s.Platform, Origin: model.OriginFile, Enabled: true,
		SecretEnc: r.sealer.Seal(s.Secret, r.place(s.AppID)), KeyID: r.sealer.SealingKeyID(),
		TokenMode: s.TokenMode, Tickets: s.Tickets, Domains: s.Domains, AllowHTTP: s.AllowHTTP, Profiles: s.Profiles,
	}
}

// kinds are the credentials that are kept for the account.
func (s Settings) kinds() []string { return append([]string{"access_token"}, s.Tickets...) }

// disable switches off an account of a former file.
func (r *Registry) disable(ctx context.Context, row model.Account) error {
	if row.Origin != model.OriginFile || !row.Enabled {
		return nil
	}
	row.Enabled = false
	if _, err := r.store.UpdateAccount(ctx, row, row.Kinds()); err != nil {
		return fmt.Errorf("disable account %s: %w", row.AppID, err)
	}
	r.log.Warn("an account is no longer in the configuration file and is disabled now; its values and history stay", "account", row.AppID)
	return nil
}
