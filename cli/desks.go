package cli

import (
	"errors"

	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
)

// desks are what the panel asks beside the accounts.
type desks struct {
	checker *signature.Checker
	reports *qa.Archive
	audit   *audit.Log
}

func (p *program) buildDesks() (d desks, err error) {
	var errs [3]error
	d.checker, errs[0] = signature.NewChecker(signature.Options{Accounts: p.table})
	d.reports, errs[1] = qa.NewArchive(p.store)
	d.audit, errs[2] = audit.New(p.store)
	return d, errors.Join(errs[:]...)
}
