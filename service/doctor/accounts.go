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

// checkAccounts returns those that were looked at one by one, and how many there
// are.
func (d *Doctor) checkAccounts(ctx context.Context) (looked []patient, all int) {
	patients, err := d.patients(ctx)
	if err != nil {
		d.fail(accountCheck, err.Error(), mendDatabase(err))
		return nil, 0
	}
	for _, appID := range d.Accounts {
		if !slices.ContainsFunc(patients, func(p patient) bool { return p.AppID == appID }) {
			d.fail(accountCheck, "there is no account "+appID, "check the AppID: upper and lower case matter")
		}
	}
	if len(patients) == 0 && len(d.Accounts) == 0 {
		d.warn(accountCheck, "there is no account", "add one in the panel, or an [[account]] block to the configuration")
		return nil, 0
	}
	all = len(patients)
	d.checkDomains(patients)
	slices.SortStableFunc(patients, func(a, b patient) int { return cmp.Compare(d.trouble(b), d.trouble(a)) })
	if len(d.Accounts) == 0 && len(patients) > mostAsked {
		d.note(accountCheck, "%d accounts; looking at the %d that need it most, name others by --account", len(patients), mostAsked)
		d.checkOverdue(patients)
		patients = patients[:mostAsked]
	}
	if slices.ContainsFunc(patients, func(p patient) bool { return p.Enabled && p.Platform == config.PlatformWeCom }) {
		d.checkWeCom(ctx)
	}
	for i := range patients {
		d.checkAccount(ctx, &patients[i])
	}
	d.tellUnasked()
	return patients, all
}

// checkOverdue counts over all accounts, where not each has lines of its own.
func (d *Doctor) checkOverdue(patients []patient) {
	late, longest := 0, time.Duration(0)
	for i := range patients {
		p := &patients[i]
		for j := range p.rows {
			by := d.overdueBy(p, &p.rows[j])
			if by > 0 {
				late++
			}
			if p.rows[j].NextRefreshMs > 0 { // else it was always due
				longest = max(longest, by)
			}
		}
	}
	if late > 0 {
		text := fmt.Sprintf("%d credentials of all accounts are overdue for renewal", late)
		if longest > 0 {
			text += ", the longest by " + span(longest.Milliseconds())
		}
		d.warn(accountCheck, text,
			"more than a moment behind: more replicas, or a larger refresh.concurrency. If nobody serves, that is why")
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
			if d.asked(a.AppID) {
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
			if d.overdueBy(&p, row) > 0 {
				score++
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

// overdueBy is how late a renewal is that nobody is at work on, 0 where none is.
func (d *Doctor) overdueBy(p *patient, row *model.Credential) time.Duration {
	late := time.Duration(d.nowMs-row.NextRefreshMs) * time.Millisecond
	if !p.Enabled || late <= overdue || row.LeaseUntilMs >= d.nowMs || d.waitsForToken(p, row) {
		return 0
	}
	return late
}

// checkRow reads what the newest attempt of whoever serves has left.
func (d *Doctor) checkRow(p *patient, row *model.Credential) {
	left := time.Duration(row.ExpiresMs-d.nowMs) * time.Millisecond
	late := d.overdueBy(p, row)
	state := fmt.Sprintf("%s: version %d, %s left", row.Kind, row.Version, left.Round(time.Second))
	verdict, mend := OK, ""
	switch {
	case row.Version == 0:
		verdict, state = Fail, row.Kind+": never fetched"
	case left <= 0:
		verdict, state = Fail, row.Kind+": "+d.ended(row)
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
	case late > 0:
		mend = "nobody renews it: is a wxsign serving on this database? Its log says more"
		if verdict == OK {
			verdict = Warn
			state += "; its renewal is " + lateness(row, late)
		}
	case verdict == Fail:
		mend = "a renewal is under way: look again in a minute"
	}
	d.account(p, verdict, state, mend)
}

// ended tells when, unless the value was thrown away: that is not noted.
func (d *Doctor) ended(row *model.Credential) string {
	if row.ExpiresMs == 0 {
		return "ended"
	}
	return "ended " + span(d.nowMs-row.ExpiresMs) + " ago"
}

// lateness is how late a renewal is. An edit makes one due without a time.
func lateness(row *model.Credential, late time.Duration) string {
	if row.NextRefreshMs == 0 {
		return "due at once"
	}
	return span(late.Milliseconds()) + " overdue"
}

// waitsForToken reports whether a ticket is not tried because its access_token
// cannot be had.
func (d *Doctor) waitsForToken(p *patient, row *model.Credential) bool {
	return row.Kind != tokenKind && slices.ContainsFunc(p.rows, func(token model.Credential) bool {
		return token.Kind == tokenKind && token.FailCount > 0 && token.ExpiresMs <= d.nowMs
	})
}
