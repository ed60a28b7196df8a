// Package account keeps the accounts: who they are, sealed with their
// AppSecret. Those of the configuration file are registered here at the start,
// the others are made and edited in the panel.
//
//	account.go  what an account is, as somebody wrote it down
//	file.go     the accounts of the file
//	editor.go   those of the panel: create, edit, disable, delete; refresh and reveal
//	rotate.go   another AppSecret: enter, test, switch, roll back
//	view.go     an account as people see it
//	check.go    what may be written; the rules themselves are package rules
//	actions.go  the words of the audit log, and the errors
package account

import (
	"context"
	"errors"
	"log/slog"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/secret"
)

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	Account(ctx context.Context, appID string) (model.Account, error)
	Accounts(ctx context.Context, after string, limit int) ([]model.Account, error)
	InsertAccounts(ctx context.Context, accounts []model.Account) error
	UpdateAccount(ctx context.Context, a model.Account, kinds []string) (bool, error)
	AlignCredentials(ctx context.Context, a model.Account, kinds []string) error
	Misaligned(ctx context.Context) ([]model.Account, error)
	ClearRemains(ctx context.Context, appIDs ...string) error
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
