package cli

import (
	"errors"

	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
)

// desks are what the panel asks beside the accounts.
type desks struct {
	checker *signature.Checker
	reports *qa.Archive
	audit   *audit.Log
	sent    *outbox.Desk // what was told to others
}

func (p *program) buildDesks() (d desks, err error) {
	var errs [4]error
	d.checker, errs[0] = signature.NewChecker(signature.Options{Accounts: p.table})
	d.reports, errs[1] = qa.NewArchive(p.store)
	d.audit, errs[2] = audit.New(p.store)
	labels := map[string]string{}
	for _, r := range p.receivers {
		labels[r.Name()] = r.Label()
	}
	d.sent, errs[3] = outbox.NewDesk(outbox.DeskOptions{Box: p.outputs.box, Audit: d.audit, Labels: labels})
	return d, errors.Join(errs[:]...)
}
