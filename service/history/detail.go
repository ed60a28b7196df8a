package history

import (
	"context"
	"errors"

	"github.com/wxsign/wxsign/model"
)

// ErrNoRow says that there is no row of this number: it was purged, or never
// there.
var ErrNoRow = errors.New("there is no such row in the history")

// neighbours is how many rows before and after one are shown with it.
const neighbours = 3

// Detail is one row among those of the same credential.
type Detail struct {
	Row   Row
	After []Row // what came next, newest first
	Prior []Row // what came before, newest first
}

// Row reads one row with its neighbours. It fails with ErrNoRow or the database's
// error.
func (d *Desk) Row(ctx context.Context, id int64) (Detail, error) {
	h, err := d.store.HistoryRow(ctx, id)
	if errors.Is(err, model.ErrNotFound) {
		return Detail{}, ErrNoRow
	}
	if err != nil {
		return Detail{}, err
	}
	place := model.HistoryKey{AtMs: h.AtMs, ID: h.ID}
	after, err := d.store.HistoryAfter(ctx, h.AppID, h.Kind, place, neighbours)
	if err != nil {
		return Detail{}, err
	}
	prior, err := d.store.HistoryPage(ctx, model.HistoryFilter{AppID: h.AppID, Kind: h.Kind}, place, neighbours)
	if err != nil {
		return Detail{}, err
	}
	detail := Detail{Row: rowOf(h)}
	for i := range after {
		detail.After = append(detail.After, rowOf(after[len(after)-1-i]))
	}
	for _, p := range prior.Rows {
		detail.Prior = append(detail.Prior, rowOf(p))
	}
	return detail, nil
}
