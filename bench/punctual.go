package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// punctualSpread is the time in which renewals are made due.
	punctualSpread = 30 * time.Second
	// punctualNotice is how long before that they are known: a replica looks for what
	// is due each five seconds.
	punctualNotice = 10 * time.Second
	// punctualGrace is how long after it they may take.
	punctualGrace = time.Minute
	// punctualLook is the time between two looks: what is late for less is on time.
	punctualLook = 100 * time.Millisecond
	// renewedEvery is how often a value is renewed that lives for two hours, at most.
	renewedEvery = 100 * time.Minute
)

// punctual says how late renewals were that came due as densely as in nature.
type punctual struct {
	due, left int           // how many came due, and how many of them were never renewed
	latest    time.Duration // seen after its time, not renewed yet
}

func (p punctual) String() string {
	if p.left > 0 {
		return fmt.Sprintf("%d of %d, **%d never**", p.due-p.left, p.due, p.left)
	}
	if p.latest < punctualLook {
		return fmt.Sprintf("%d of %d, on time", p.due, p.due)
	}
	return fmt.Sprintf("%d of %d, %s late", p.due, p.due, p.latest.Round(punctualLook))
}

const nowMS = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"

// renewals lets as many credentials come due as would in punctualSpread if those of
// all accounts were spread evenly over the hours, and watches how late they are.
func renewals(ctx context.Context, w world, r replica) (p punctual, err error) {
	table := databaseName(r.database) + ".credential"
	p.due = max(1, int(float64(2*r.accounts)*punctualSpread.Seconds()/renewedEvery.Seconds()))
	if _, err := w.sql.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET next_refresh_ms = %s + %d + FLOOR(RAND() * %d) WHERE version > 0 ORDER BY RAND() LIMIT %d",
		table, nowMS, punctualNotice.Milliseconds(), punctualSpread.Milliseconds(), p.due)); err != nil {
		return p, err
	}
	began := time.Now()
	const last = punctualNotice + punctualSpread
	for since := time.Duration(0); since < last || p.left > 0 && since < last+punctualGrace; since = time.Since(began) {
		time.Sleep(punctualLook)
		var late int64 // ms
		if err := w.sql.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(*), COALESCE(MAX(%[2]s - next_refresh_ms), 0) FROM %[1]s WHERE next_refresh_ms < %[2]s",
			table, nowMS)).Scan(&p.left, &late); err != nil {
			return p, err
		}
		p.latest = max(p.latest, time.Duration(late)*time.Millisecond)
	}
	return p, ctx.Err()
}
