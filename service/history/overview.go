package history

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wxsign/wxsign/model"
)

// State is how an account or a credential is; the worse, the greater.
type State int

// The states.
const (
	Disabled State = iota // nobody keeps it fresh, on purpose
	Fine
	Waiting // not fetched yet, and nothing has failed
	Failing // lives, but the newest attempt to renew it failed
	Down    // cannot be used
)

// String is a stable word: the key of its text in the panel.
func (s State) String() string {
	return [...]string{"disabled", "fine", "waiting", "failing", "down"}[s]
}

// Trouble is why the newest attempt failed.
type Trouble struct {
	Errcode int       // WeChat's, 0 where there was none
	Text    string    // what happened
	Mend    string    // what to do
	Count   int       // attempts failed in a row
	Since   time.Time // the first of them; zero where that is not known
}

// Credential is how one credential is.
type Credential struct {
	Kind    string
	State   State
	Version int64
	Issued  time.Time
	Expires time.Time
	Left    time.Duration // 0 where it cannot be used
	Life    time.Duration // all of it
	Dead    bool          // WeChat says so, though its time is not over
	NextTry time.Time
	Trouble Trouble // Count is 0 where there is none
	// Fingerprint is the first 8 hex digits of the value's SHA-256, "" where
	// there is no value.
	Fingerprint string
}

// Account is how one account is.
type Account struct {
	AppID       string
	Name        string
	Platform    string
	State       State // the worst of its credentials'
	Credentials []Credential
}

// Accounts is a page of the overview.
type Accounts struct {
	List []Account
	Next string    // the place of the page after this one, "" at the end
	More bool      // a search found more than it shows
	Now  time.Time // the database's clock
}

// AccountsPerPage is how many accounts a page of the overview has.
const AccountsPerPage = 30

// Accounts reads the page of accounts whose AppID comes after the given one.
func (d *Desk) Accounts(ctx context.Context, after string) (Accounts, error) {
	rows, nowMs, err := d.store.AccountStates(ctx, after, AccountsPerPage+1)
	if err != nil {
		return Accounts{}, err
	}
	page := Accounts{}
	if len(rows) > AccountsPerPage {
		rows = rows[:AccountsPerPage]
		page.Next = rows[AccountsPerPage-1].AppID
	}
	if page.List, err = d.describe(ctx, rows, nowMs); err != nil {
		return Accounts{}, err
	}
	if nowMs == 0 {
		nowMs, err = d.store.Now(ctx)
	}
	page.Now = time.UnixMilli(nowMs)
	return page, err
}

// AccountsOf reads the accounts given, the worst first.
func (d *Desk) AccountsOf(ctx context.Context, appIDs []string) ([]Account, error) {
	if len(appIDs) == 0 {
		return nil, nil
	}
	rows, nowMs, err := d.store.AccountStatesOf(ctx, appIDs)
	if err != nil {
		return nil, err
	}
	list, err := d.describe(ctx, rows, nowMs)
	WorstFirst(list)
	return list, err
}

// AccountOf reads one account and the database's clock; false where it is not
// there.
func (d *Desk) AccountOf(ctx context.Context, appID string) (account Account, now time.Time, found bool, err error) {
	rows, nowMs, err := d.store.AccountStatesOf(ctx, []string{appID})
	if err != nil {
		return Account{}, time.Time{}, false, err
	}
	list, err := d.describe(ctx, rows, nowMs)
	if err != nil || len(list) == 0 || list[0].AppID != appID {
		return Account{}, time.Time{}, false, err
	}
	return list[0], time.UnixMilli(nowMs), true, nil
}

// mostFound bounds what a search shows.
const mostFound = 30

// Search finds accounts whose AppID or name begins with a text, as it is written
// and in small, capital and leading capital letters; the worst first.
func (d *Desk) Search(ctx context.Context, text string) (Accounts, error) {
	rows, nowMs, err := d.store.SearchAccounts(ctx, spellings(text), mostFound+1)
	if err != nil {
		return Accounts{}, err
	}
	page := Accounts{More: len(rows) > mostFound}
	if page.List, err = d.describe(ctx, rows[:min(len(rows), mostFound)], nowMs); err != nil {
		return Accounts{}, err
	}
	WorstFirst(page.List)
	if nowMs == 0 {
		nowMs, err = d.store.Now(ctx)
	}
	page.Now = time.UnixMilli(nowMs)
	return page, err
}

// spellings are the ways in which somebody may have written what is searched.
func spellings(text string) []string {
	lower := strings.ToLower(text)
	first, size := utf8.DecodeRuneInString(lower)
	all := []string{text, lower, strings.ToUpper(text), string(unicode.ToTitle(first)) + lower[size:]}
	slices.Sort(all)
	return slices.Compact(all)
}

// WorstFirst puts the accounts that need a person before the others.
func WorstFirst(list []Account) {
	slices.SortStableFunc(list, func(a, b Account) int { return cmp.Compare(b.State, a.State) })
}

func (d *Desk) describe(ctx context.Context, rows []model.AccountState, nowMs int64) ([]Account, error) {
	list := make([]Account, 0, len(rows))
	for _, row := range rows {
		account := accountOf(row, nowMs)
		for i := range account.Credentials {
			c := &account.Credentials[i]
			if c.Trouble.Count == 0 || !row.Enabled {
				continue
			}
			since, err := d.store.FailingSince(ctx, row.AppID, c.Kind)
			if err != nil {
				return nil, err
			}
			c.Trouble.Since = instant(since)
		}
		list = append(list, account)
	}
	return list, nil
}

// accountOf judges an account by the database's clock.
func accountOf(row model.AccountState, nowMs int64) Account {
	a := Account{AppID: row.AppID, Name: row.Name, Platform: row.Platform}
	for _, c := range row.Credentials {
		credential := credentialOf(c, nowMs)
		a.State = max(a.State, credential.State)
		a.Credentials = append(a.Credentials, credential)
	}
	if len(row.Credentials) == 0 {
		a.State = Waiting
	}
	if !row.Enabled {
		a.State = Disabled
	}
	slices.SortStableFunc(a.Credentials, func(x, y Credential) int { return cmp.Compare(kindRank(x.Kind), kindRank(y.Kind)) })
	return a
}

// kindRank puts the token first: tickets are fetched with it.
func kindRank(kind string) int {
	if rank := slices.Index(Kinds(), kind); rank >= 0 {
		return rank
	}
	return len(Kinds())
}

func credentialOf(row model.CredentialState, nowMs int64) Credential {
	c := Credential{
		Kind: row.Kind, Version: row.Version, Issued: instant(row.IssuedMs), Expires: instant(row.ExpiresMs), NextTry: instant(row.NextRefreshMs),
		Life: time.Duration(row.ExpiresMs-row.IssuedMs) * time.Millisecond, Fingerprint: row.Fingerprint,
	}
	live := row.Version > 0 && row.ExpiresMs > nowMs && !row.Dead
	switch {
	case live && row.FailCount > 0:
		c.State = Failing
	case live:
		c.State = Fine
	case row.FailCount == 0 && row.Version == 0:
		c.State = Waiting
	default:
		c.State = Down
		c.Dead = row.Dead && row.ExpiresMs > nowMs
	}
	if live {
		c.Left = time.Duration(row.ExpiresMs-nowMs) * time.Millisecond
	}
	if row.FailCount > 0 {
		c.Trouble = Trouble{Errcode: row.FailErrcode, Count: row.FailCount}
		c.Trouble.Text, c.Trouble.Mend = SplitMend(row.FailText)
	}
	return c
}

// SplitMend parts what the keeper writes as one text: what happened, and what to
// do about it.
func SplitMend(text string) (what, mend string) {
	what, mend, _ = strings.Cut(text, " — ")
	return what, mend
}
