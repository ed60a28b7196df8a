package cli

import (
	"context"
	"slices"

	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/metrics"
)

// buildMetrics makes what counts, before all that is counted.
func (p *program) buildMetrics() (counters *metrics.Metrics, err error) {
	b := thisBuild()
	p.counters, err = metrics.New(metrics.Options{
		Version: b.Version, Commit: b.Commit, Date: b.Date, Table: p.table, State: p.state, Store: p.store,
		Conditions: alert.Conditions(),
	})
	return p.counters, err
}

// observer is who the keeper tells what it does; commands have nobody.
func (p *program) observer() keeper.Observer {
	if p.counters == nil {
		return nil
	}
	return p.counters
}

// state is what the metrics show of the whole replica.
func (p *program) state() metrics.State {
	status := p.keeper.Status()
	return metrics.State{
		Ready: status.Ready, DatabaseDown: status.DatabaseDown, ReadOnly: slices.Contains(status.Codes, keeper.CodeDatabaseReadOnly),
	}
}

// watchDatabase is a job: it looks up what a scrape has no time for. That the
// database is away the keeper has said already.
func (p *program) watchDatabase(ctx context.Context) {
	if err := p.counters.Watch(ctx); err != nil {
		p.log.Debug("cannot look at the database for the metrics", "err", err)
	}
}
