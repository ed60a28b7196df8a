package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/wxsign/wxsign/model"
)

const (
	// mostRaces bounds the repetitions when several replicas start with the same
	// file at once.
	mostRaces = 10
	// filePage is how many accounts are read at once.
	filePage = 2000
	// fileBatch is how many accounts are inserted at once.
	fileBatch = 200
	// fileAtOnce is how many accounts are edited beside each other.
	fileAtOnce = 8
)

// RegisterFile makes the stored accounts equal to those of the configuration
// file. An unchanged account is not touched, so a restart costs no renewal. An
// account that has left the file is disabled, not deleted: its values and its
// history stay, and it comes back with the file.
//
// All that is stored is read page by page and what is new is written in batches,
// so that a start among thousands of accounts takes some statements and not some
// for each. Replicas that start at once take turns: who finds accounts there that
// it was about to insert compares again.
func (r *Registry) RegisterFile(ctx context.Context, settings []Settings) error {
	d, err := r.compare(ctx, settings)
	for race := 0; err == nil && len(d.missing) > 0 && race < mostRaces; race++ {
		if err = r.insert(ctx, d.missing); err == nil {
			d, err = r.compare(ctx, settings)
		}
	}
	if err != nil {
		return err
	}
	if err := atOnce(ctx, d.gone, r.disable); err != nil {
		return err
	}
	if err := atOnce(ctx, append(d.changed, d.missing...), r.register); err != nil {
		return err
	}
	return r.align(ctx)
}

// lack is what the database needs to be as the file says.
type lack struct {
	missing []*Settings // not there
	changed []*Settings // there, and otherwise
	gone    []model.Account
}

// compare goes through the stored accounts.
func (r *Registry) compare(ctx context.Context, settings []Settings) (d lack, err error) {
	inFile := make(map[string]*Settings, len(settings))
	for i := range settings {
		inFile[settings[i].AppID] = &settings[i]
	}
	stored := make(map[string]bool, len(settings))
	for after, more := "", true; more; {
		rows, err := r.store.Accounts(ctx, after, filePage)
		if err != nil {
			return d, err
		}
		for i := range rows {
			after = rows[i].AppID
			stored[after] = true
			switch s := inFile[after]; {
			case s == nil && rows[i].Origin == model.OriginFile && rows[i].Enabled:
				d.gone = append(d.gone, rows[i])
			case s != nil && (rows[i].Origin != model.OriginFile || !r.equal(rows[i], *s)):
				d.changed = append(d.changed, s)
			}
		}
		more = len(rows) == filePage
	}
	for i := range settings {
		if !stored[settings[i].AppID] {
			d.missing = append(d.missing, &settings[i])
		}
	}
	return d, nil
}

// insert adds accounts in batches. A batch that another replica got in the way of
// is left to the next comparison, and credential rows that are missing then to align.
func (r *Registry) insert(ctx context.Context, missing []*Settings) error {
	for batch := range slices.Chunk(missing, fileBatch) {
		appIDs, rows := make([]string, len(batch)), make([]model.Account, len(batch))
		for i, s := range batch {
			appIDs[i], rows[i] = s.AppID, r.row(*s)
		}
		err := r.store.ClearRemains(ctx, appIDs...)
		if err == nil {
			err = r.store.InsertAccounts(ctx, rows)
		}
		if err != nil && !isRace(err) {
			return fmt.Errorf("register accounts %s to %s: %w", appIDs[0], appIDs[len(appIDs)-1], err)
		}
	}
	return nil
}

// isRace says that another replica was faster, or in the way.
func isRace(err error) bool {
	return errors.Is(err, model.ErrDuplicate) || errors.Is(err, model.ErrNotApplied)
}

// atOnce does something with some accounts beside each other, until one fails.
func atOnce[T any](ctx context.Context, all []T, do func(context.Context, T) error) error {
	g, working := errgroup.WithContext(ctx)
	g.SetLimit(fileAtOnce)
	for _, one := range all {
		if working.Err() != nil {
			break
		}
		g.Go(func() error { return do(working, one) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err() // which may have kept us from beginning some
}

// register makes one stored account equal to that of the file.
func (r *Registry) register(ctx context.Context, s *Settings) error {
	for range mostRaces {
		done, err := r.registerOnce(ctx, s)
		if isRace(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("register account %s: %w", s.AppID, err)
		}
		if done {
			return nil
		}
	}
	return fmt.Errorf("register account %s: other replicas keep changing it: do all replicas have the same configuration file?", s.AppID)
}

// registerOnce tells false where the row is to be compared once more, because
// another replica may have been faster.
func (r *Registry) registerOnce(ctx context.Context, s *Settings) (done bool, err error) {
	stored, err := r.store.Account(ctx, s.AppID)
	switch {
	case errors.Is(err, model.ErrNotFound):
		return false, r.insert(ctx, []*Settings{s})
	case err != nil:
		return false, err
	case stored.Origin != model.OriginFile:
		return false, errors.New("it was made in the panel already: delete it there, or take it out of the file")
	case r.equal(stored, *s):
		return true, nil // if its credential rows do not fit yet, align sees to them
	}
	row := r.row(*s)
	row.ConfigRev = stored.ConfigRev
	return r.store.UpdateAccount(ctx, row, s.kinds())
}

// equal compares with the stored row; the secret only after opening it.
func (r *Registry) equal(row model.Account, s Settings) bool {
	want := s.row()
	if !row.Enabled || row.Name != want.Name || row.Platform != want.Platform ||
		row.TokenMode != want.TokenMode || row.AllowHTTP != want.AllowHTTP ||
		!slices.Equal(row.Tickets, want.Tickets) || !slices.Equal(row.Domains, want.Domains) ||
		!equalProfiles(row.Profiles, want.Profiles) {
		return false
	}
	appSecret, err := r.sealer.Open(row.SecretEnc, r.place(row.AppID))
	return err == nil && appSecret.Equal(s.Secret)
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

// row is the account with its AppSecret sealed.
func (r *Registry) row(s Settings) model.Account {
	row := s.row()
	row.SecretEnc, row.KeyID = r.sealer.Seal(s.Secret, r.place(s.AppID)), r.sealer.SealingKeyID()
	return row
}

func (s Settings) row() model.Account {
	return model.Account{
		AppID: s.AppID, Name: s.Name, Platform: s.Platform, Origin: model.OriginFile, Enabled: true,
		TokenMode: s.TokenMode, Tickets: s.Tickets, Domains: s.Domains, AllowHTTP: s.AllowHTTP, Profiles: s.Profiles,
	}
}

// kinds are the credentials that are kept for the account.
func (s Settings) kinds() []string { return append([]string{"access_token"}, s.Tickets...) }

// disable switches off an account of a former file.
func (r *Registry) disable(ctx context.Context, row model.Account) error {
	row.Enabled = false
	if _, err := r.store.UpdateAccount(ctx, row, row.Kinds()); err != nil {
		return fmt.Errorf("disable account %s: %w", row.AppID, err)
	}
	r.log.Warn("an account is no longer in the configuration file and is disabled now; its values and history stay", "account", row.AppID)
	return nil
}

// align mends the credential rows of accounts whose editor died half-way, or is
// at it: the keeper looks again later.
func (r *Registry) align(ctx context.Context) error {
	rows, err := r.store.Misaligned(ctx)
	if err != nil {
		return err
	}
	return atOnce(ctx, rows, func(ctx context.Context, row model.Account) error {
		if err := r.store.AlignCredentials(ctx, row, row.Kinds()); !isRace(err) {
			return err
		}
		return nil
	})
}
