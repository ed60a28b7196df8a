package handler

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/fleet"
	"github.com/wxsign/wxsign/service/history"
	"github.com/wxsign/wxsign/service/keeper"
)

// mostTroubled bounds the accounts that stand above the list.
const mostTroubled = 10

// overviewData is what overview.html shows.
type overviewData struct {
	Status   keeper.Status
	Troubled []history.Account // the worst first; empty where the list is short enough to show them itself
	Accounts []history.Account
	After    string // where this page of accounts begins, "" = at the first
	Next     string // where the next one does, "" = there is none
	Now      time.Time
	Ahead    time.Duration // this machine's clock before the database's
	Replica  string
	Database string
	Version  string
	Query    string // what was searched for, "" = the list
	More     bool   // more was found than is shown
	Replicas []fleet.Replica
	Deleted  bool // an account has just been deleted
}

// clockTolerance is how far the clocks may differ before the page says so.
const clockTolerance = 2 * time.Second

// clockAhead is how far this machine's clock is at least before the database's,
// which was read between two instants: a slow database is not one that goes wrong.
func clockAhead(database, before, after time.Time) time.Duration {
	return max(before.Sub(database), min(0, after.Sub(database)))
}

// ClockDiffers reports whether the difference is worth a word.
func (d overviewData) ClockDiffers() bool { return d.Ahead.Abs() > clockTolerance }

// Overview answers GET /admin/.
func (p *Panel) Overview(c *gin.Context) error {
	ctx := c.Request.Context()
	query := searched(c.Query("q"))
	before := time.Now()
	accounts, err := p.overviewAccounts(ctx, query, c.Query("after"))
	if err != nil {
		return err
	}
	_, deleted := c.GetQuery("deleted")
	data := overviewData{
		Query: query, More: accounts.More, Deleted: deleted,
		Status: p.options.Status(), Accounts: accounts.List, After: c.Query("after"), Next: accounts.Next,
		Now: accounts.Now, Ahead: clockAhead(accounts.Now, before, time.Now()),
		Replica: p.options.Replica, Database: p.options.Database, Version: p.options.Version,
	}
	if data.Replicas, err = p.options.Fleet.Replicas(ctx); err != nil {
		return err
	}
	if data.After != "" || data.Next != "" {
		if data.Troubled, err = p.options.History.AccountsOf(ctx, p.troubled()); err != nil {
			return err
		}
	} else {
		history.WorstFirst(data.Accounts)
	}
	return p.render(c, http.StatusOK, "overview", data)
}

// maxSearch is the longest text that a name or an AppID can begin with, in
// characters.
const maxSearch = 100

// searched is what somebody looks for.
func searched(text string) string {
	found := []rune(strings.TrimSpace(strings.ToValidUTF8(text, "")))
	return string(found[:min(len(found), maxSearch)])
}

func (p *Panel) overviewAccounts(ctx context.Context, query, after string) (history.Accounts, error) {
	if query != "" {
		return p.options.History.Search(ctx, query)
	}
	return p.options.History.Accounts(ctx, after)
}

// fewAccounts are found by looking.
const fewAccounts = 8

// Searchable reports whether there are so many accounts that one is searched.
func (d overviewData) Searchable() bool {
	return d.Query != "" || d.After != "" || d.Next != "" || len(d.Accounts) > fewAccounts
}

// Differs reports whether a replica that is alive has another configuration, or
// other master keys, than this one.
func (d overviewData) Differs() bool {
	return slices.ContainsFunc(d.Replicas, func(r fleet.Replica) bool { return r.Differs && !r.Lost })
}

// troubled lists the accounts that a person should look at first, those with
// a credential that cannot be used before the others.
func (p *Panel) troubled() []string {
	troubles := p.options.Troubles()
	slices.SortStableFunc(troubles, func(a, b keeper.AccountTrouble) int {
		switch {
		case a.Live == b.Live:
			return 0
		case b.Live:
			return -1
		}
		return 1
	})
	var appIDs []string
	for _, t := range troubles {
		if len(appIDs) < mostTroubled && !slices.Contains(appIDs, t.AppID) {
			appIDs = append(appIDs, t.AppID)
		}
	}
	return appIDs
}

// AllWell reports whether nothing on this replica needs a person.
func (d overviewData) AllWell() bool { return !d.Status.Degraded && d.Status.Ready }

// HistoryOf is the address of an account's history.
func (v panelView) HistoryOf(appID string) string {
	return panelPath + "/history?account=" + url.QueryEscape(appID)
}

// OverviewFrom is the address of the accounts after one.
func (v panelView) OverviewFrom(after string) string {
	return panelPath + "/?after=" + url.QueryEscape(after)
}

// Share is how much of a life is left, in percent.
func (v panelView) Share(left, life time.Duration) int64 {
	if life <= 0 {
		return 0
	}
	return min(100, int64(100*left/life))
}

// CredentialText says why a credential has no time left.
func (v panelView) CredentialText(c history.Credential) (string, error) {
	switch {
	case c.Version == 0:
		return v.T("credential.waiting")
	case c.Dead:
		return v.T("credential.dead")
	}
	return v.T("credential.down")
}

// KindText is the name of a kind of credential as people say it.
func (v panelView) KindText(kind string) string { return v.optional("kind."+kind, kind) }

func (v panelView) optional(key, otherwise string) string {
	if words, found := v.text.words[key]; found {
		return words
	}
	return otherwise
}
