package cli

import (
	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/purge"
)

// schedulePurge has old history deleted.
func (p *program) schedulePurge() error {
	history, err := purge.NewHistory(purge.Options{
		Store: p.store, Replica: p.replica, Retention: p.config.History.Retention.Std(),
		Note: func(err error) { p.alerts.Note(alert.Purge, err) }, Logger: p.log,
	})
	if err != nil {
		return err
	}
	return p.scheduler.Add("purge", p.config.History.Purge, history.Run)
}
