package doctor

import (
	"context"
	"fmt"

	"github.com/wxsign/wxsign/model"
)

// checkSealed opens everything in the database that is sealed.
func (d *Doctor) checkSealed(ctx context.Context) {
	const check = "sealed"
	if d.ring == nil {
		d.note(check, "not checked: there is no master key")
		return
	}
	if err := d.ProveKey(ctx, d.store, d.ring); err != nil {
		d.fail(check, err.Error(), "restore the key from your copy; several keys stand one per line, the first seals, all open")
		return
	}
	opened, closed, err := d.openAll(ctx)
	switch {
	case err != nil:
		d.fail(check, err.Error(), mendDatabase(err))
	case len(closed) > 0:
		d.fail(check, fmt.Sprintf("%d of %d sealed values do not open, the first is %s", len(closed), opened+len(closed), closed[0]),
			"add the key they were sealed with to security.master_key, on a line below the first; without it, enter the AppSecret anew: tokens and tickets then come by themselves")
	default:
		d.ok(check, "the master key opens all %d sealed values", opened)
	}
}

// page is how many accounts are read at once.
const page = 500

// openAll counts the values that open and names those that do not.
func (d *Doctor) openAll(ctx context.Context) (opened int, closed []string, err error) {
	try := func(envelope []byte, place, name string) {
		if len(envelope) == 0 {
			return
		}
		if _, err := d.ring.Open(envelope, place); err != nil {
			closed = append(closed, name)
			return
		}
		opened++
	}
	err = d.eachPage(ctx, func(p sealedPage) {
		for i := range p.accounts {
			a := &p.accounts[i]
			try(a.SecretEnc, d.SecretPlace(a.AppID), "the AppSecret of "+a.AppID)
		}
		for i := range p.credentials {
			c := &p.credentials[i]
			try(c.ValueEnc, d.ValuePlace(c.AppID, c.Kind, c.PublishID), "the "+c.Kind+" of "+c.AppID)
		}
		for i := range p.held {
			h := &p.held[i]
			try(h.SecretEnc, d.HeldPlace(h.AppID, h.Role), "the "+h.Role+" AppSecret of "+h.AppID)
		}
	})
	return opened, closed, err
}

// sealedPage is some accounts with all that is sealed of them.
type sealedPage struct {
	accounts    []model.Account
	credentials []model.CredentialNow
	held        []model.HeldSecret
}

// eachPage reads all accounts with what is sealed of them.
func (d *Doctor) eachPage(ctx context.Context, see func(sealedPage)) error {
	for after := ""; ; {
		accounts, err := d.store.Accounts(ctx, after, page)
		if err != nil || len(accounts) == 0 {
			return err
		}
		appIDs := make([]string, 0, len(accounts))
		for i := range accounts {
			appIDs = append(appIDs, accounts[i].AppID)
		}
		rows, err := d.store.Credentials(ctx, appIDs)
		if err != nil {
			return err
		}
		held, _, err := d.store.HeldSecrets(ctx, appIDs)
		if err != nil {
			return err
		}
		see(sealedPage{accounts, rows, held})
		after = appIDs[len(appIDs)-1]
	}
}
