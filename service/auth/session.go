package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/wxsign/wxsign/model"
)

// Person is who is signed in.
type Person struct {
	Name       string
	Role       string // model's words: admin, viewer
	MustChange bool   // may only choose a new password
}

// Session is a session that is alive.
type Session struct {
	Person Person
	row    model.Session
}

// Roles, least first: a role may do what those before it may.
const (
	RoleViewer = model.RoleViewer
	RoleAdmin  = model.RoleAdmin
)

// May reports whether the person may do what is meant for a role. Who must
// change the password may do nothing else.
func (p Person) May(role string) bool {
	return !p.MustChange && (p.Role == RoleAdmin || p.Role == role)
}

// touchEvery bounds how often the use of a session is written down.
const touchEvery = time.Minute

// Session finds the session of a cookie's value, or fails with ErrNoSession.
// active says that a person did something: only that keeps a session from
// ending idle, not a page that refreshes itself.
func (a *Auth) Session(ctx context.Context, token string, active bool) (Session, error) {
	if token == "" {
		return Session{}, ErrNoSession
	}
	ctx, err := a.sessions.Load(ctx, token)
	if err != nil {
		return Session{}, fmt.Errorf("load the session: %w", err)
	}
	row, found := a.sessions.Get(ctx, sessionKey).(model.Session)
	if !found {
		return Session{}, ErrNoSession
	}
	if every := min(touchEvery, a.idle/2).Milliseconds(); active && row.NowMs-row.SeenMs >= every {
		if err := a.store.TouchSession(ctx, row.TokenHash, a.idle.Milliseconds(), every); err != nil {
			return Session{}, err
		}
	}
	return Session{
		Person: Person{Name: row.Person.Name, Role: row.Person.Role, MustChange: row.Person.MustChange},
		row:    row,
	}, nil
}

// begin makes a new session and returns its token. There is never a token from
// before that stays valid: a cookie planted by somebody else is worth nothing.
func (a *Auth) begin(ctx context.Context, p model.Person, v Visit) (string, error) {
	ctx, err := a.sessions.Load(ctx, v.Token)
	if err != nil {
		return "", fmt.Errorf("load the session: %w", err)
	}
	if err := a.sessions.RenewToken(ctx); err != nil {
		return "", fmt.Errorf("renew the session: %w", err)
	}
	a.sessions.Put(ctx, sessionKey, model.Session{PersonID: p.ID, Epoch: p.Epoch, Address: v.Address, UserAgent: v.UserAgent})
	token, _, err := a.sessions.Commit(ctx)
	if err != nil {
		return "", fmt.Errorf("begin the session: %w", err)
	}
	return token, nil
}

// newSessions sets scs up: hashed tokens, the database as its store. It does
// without scs.New, which starts a goroutine for a store in memory that cannot be
// stopped reliably. Cookies are handler's, and the idle end is the store's, by
// the database's clock.
func newSessions(o Options) *scs.SessionManager {
	return &scs.SessionManager{
		Store: sessionStore{store: o.Store, idle: o.Idle}, Codec: sessionCodec{},
		HashTokenInStore: true, Lifetime: o.Absolute,
	}
}

// sessionKey is the one value of a session: its row.
const sessionKey = "session"

// sessionCodec hands rows through scs, which knows only bytes.
type sessionCodec struct{}

func (sessionCodec) Encode(_ time.Time, values map[string]any) ([]byte, error) {
	row, found := values[sessionKey].(model.Session)
	if !found {
		return nil, errors.New("a session without a person")
	}
	return json.Marshal(row)
}

func (sessionCodec) Decode(text []byte) (time.Time, map[string]any, error) {
	var row model.Session
	err := json.Unmarshal(text, &row)
	return time.UnixMilli(row.EndsMs), map[string]any{sessionKey: row}, err
}

// sessionStore is scs's store on the model.
type sessionStore struct {
	store Store
	idle  time.Duration
}

// CommitCtx stores a new session. Sessions never change, and a commit that
// came late must not bring back one that was ended, so it only ever adds.
func (s sessionStore) CommitCtx(ctx context.Context, tokenHash string, text []byte, expiry time.Time) error {
	var row model.Session
	if err := json.Unmarshal(text, &row); err != nil {
		return err
	}
	row.TokenHash = tokenHash
	return s.store.AddSession(ctx, row, s.idle.Milliseconds(), time.Until(expiry).Milliseconds())
}

func (s sessionStore) FindCtx(ctx context.Context, tokenHash string) ([]byte, bool, error) {
	row, err := s.store.LiveSession(ctx, tokenHash)
	if errors.Is(err, model.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	text, err := json.Marshal(row)
	return text, err == nil, err
}

func (s sessionStore) DeleteCtx(ctx context.Context, tokenHash string) error {
	return s.store.DeleteSession(ctx, tokenHash)
}

// The methods without a context are part of scs.Store; scs calls them only
// where those above are missing.

func (s sessionStore) Commit(tokenHash string, text []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), tokenHash, text, expiry)
}

func (s sessionStore) Find(tokenHash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), tokenHash)
}

func (s sessionStore) Delete(tokenHash string) error {
	return s.DeleteCtx(context.Background(), tokenHash)
}
