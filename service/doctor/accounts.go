package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
)

// patient is one account with its rows.
type patient struct {
	model.Account
	rows []model.Credential
}

// mostAsked bounds the accounts that are looked at one by one and asked about,
// where nobody named some: those in trouble first.
const mostAsked = 20

const accountCheck = "account"

func (d *Doctor) checkAccounts(ctx context.Context) {
	patients, err := d.patients(ctx)
	if err != nil {
		d.fail(accountCheck, err.Error(), mendDatabase(err))
		return
	}
	for _, appID := range d.Accounts {
		if !slices.ContainsFunc(patients, func(p patient) bool { return p.AppID == appID }) {
			d.fail(accountCheck, "there is no account "+appID, "check the AppID: upper and lower case matter")
		}
	}
	if len(patients) == 0 && len(d.Accounts) == 0 {
		d.warn(accountCheck, "there is no account", "add one in the panel, or an [[account]] block to the configuration")
		return
	}
	d.checkDomains(patients)
	slices.SortStableFunc(patients, func(a, b patient) int { return cmp.Compare(d.trouble(b), d.trouble(a)) })
	if len(d.Accounts) == 0 && len(patients) > mostAsked {
		d.note(accountCheck, "%d accounts; looking at the %d that need it most, name others by --account", len(patients), mostAsked)
		patients = patients[:mostAsked]
	}
	for i := range patients {
		d.checkAccount(ctx, &patients[i])
	}
}

// patients are the accounts that were asked for, else all.
func (d *Doctor) patients(ctx context.Context) (all []patient, err error) {
	err = d.eachPage(ctx, func(p sealedPage) {
		byAppID := map[string][]model.Credential{}
		for i := range p.credentials {
			c := &p.credentials[i]
			byAppID[c.AppID] = append(byAppID[c.AppID], c.Credential)
		}
		for _, a := range p.accounts {
			if len(d.Accounts) == 0 || slices.Contains(d.Accounts, a.AppID) {
				all = append(all, patient{a, byAppID[a.AppID]})
			}
		}
	})
	return all, err
}

// trouble orders accounts by how much they need a look.
func (d *Doctor) trouble(p patient) int {
	score := 0
	for i := range p.rows {
		if row := &p.rows[i]; p.Enabled {
			score += min(1, row.FailCount)
			if row.ExpiresMs <= d.nowMs {
				score += 2
			}
		}
	}
	return score
}

// checkDomains finds accounts that can sign nothing, and pages that two
// accounts would sign.
func (d *Doctor) checkDomains(patients []patient) {
	owner := map[string]string{}
	for i := range patients {
		p := &patients[i]
		if !p.Enabled {
			continue
		}
		if len(p.Domains) == 0 && slices.Contains(p.Tickets, config.TicketJSAPI) {
			d.account(p, Warn, "has no domains: no page of it can be signed", "list the hosts of its pages in the account's domains")
		}
		for _, domain := range p.Domains {
			if other, taken := owner[domain]; taken {
				d.account(p, Warn, fmt.Sprintf("%s belongs to %s as well", domain, other), "pages there must send app_id=…, else they get account_ambiguous")
			}
			owner[domain] = p.AppID
		}
	}
}

func (d *Doctor) account(p *patient, verdict Verdict, text, mend string) {
	d.Found(Finding{Check: accountCheck, Account: p.AppID, Verdict: verdict, Text: text, Mend: mend})
}

func (d *Doctor) checkAccount(ctx context.Context, p *patient) {
	if !p.Enabled {
		d.account(p, Note, "is disabled: nothing is fetched or signed for it", "")
		return
	}
	for i := range p.rows {
		d.checkRow(p, &p.rows[i])
	}
	d.ask(ctx, p)
}

// overdue is how late a renewal is before nobody can be at work.
const overdue = 2 * time.Minute

// checkRow reads what the newest attempt of whoever serves has left.
func (d *Doctor) checkRow(p *patient, row *model.Credential) {
	left := time.Duration(row.ExpiresMs-d.nowMs) * time.Millisecond
	late := time.Duration(d.nowMs-row.NextRefreshMs) * time.Millisecond
	state := fmt.Sprintf("%s: version %d, %s left", row.Kind, row.Version, left.Round(time.Second))
	verdict, mend := OK, ""
	switch {
	case row.Version == 0:
		verdict, state = Fail, row.Kind+": never fetched"
	case left <= 0:
		verdict, state = Fail, fmt.Sprintf("%s: ended %s ago", row.Kind, (-left).Round(time.Second))
	case row.FailCount > 0:
		verdict = Warn
	}
	switch {
	case row.FailCount > 0:
		// The keeper's texts are "what happened — what to do".
		happened, what, _ := strings.Cut(row.FailText, " — ")
		state += fmt.Sprintf("; failed %d times in a row: %s", row.FailCount, happened)
		mend = cmp.Or(what, "see the log of the wxsign that serves")
	case verdict == Fail && d.waitsForToken(p, row):
		state += ": it waits for the access_token"
		mend = "mend the access_token of this account: the ticket then comes by itself"
	case late > overdue && row.LeaseUntilMs < d.nowMs:
		mend = "nobody renews it: is a wxsign serving on this database? Its log says more"
		if verdict == OK {
			verdict = Warn
			state += fmt.Sprintf("; its renewal is %s overdue", late.Round(time.Second))
		}
	case verdict == Fail:
		mend = "a renewal is under way: look again in a minute"
	}
	d.account(p, verdict, state, mend)
}

// waitsForToken reports whether a ticket is not tried because its access_token
// cannot be had.
func (d *Doctor) waitsForToken(p *patient, row *model.Credential) bool {
	return row.Kind != tokenKind && slices.ContainsFunc(p.rows, func(token model.Credential) bool {
		return token.Kind == tokenKind && token.FailCount > 0 && token.ExpiresMs <= d.nowMs
	})
}
