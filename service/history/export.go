package history

import (
	"context"
	"errors"

	"github.com/wxsign/wxsign/model"
)

const (
	// exportChunk is how many rows an export reads at a time.
	exportChunk = 1000
	// mostExports is how many exports run at once; each may read every row.
	mostExports = 3
)

// ErrBusy says that as many exports run as may.
var ErrBusy = errors.New("other exports of the history are running")

// Each reads all rows of a filter, newest first, and hands them on in chunks; a
// chunk may be empty where the search takes long. Rows that come while it runs are
// not among them. It fails with ErrBusy, the database's error, or that of take,
// which ends it.
func (d *Desk) Each(ctx context.Context, f Filter, take func([]Row) error) error {
	if !d.exports.TryAcquire(1) {
		return ErrBusy
	}
	defer d.exports.Release(1)
	for place := (model.HistoryKey{}); ; {
		found, err := d.store.HistoryPage(ctx, f.model(), place, exportChunk)
		if err != nil {
			return err
		}
		rows := make([]Row, 0, len(found.Rows))
		for _, h := range found.Rows {
			rows = append(rows, rowOf(h))
		}
		if err := take(rows); err != nil || found.Next == nil {
			return err
		}
		place = *found.Next
	}
}
