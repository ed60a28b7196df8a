package chaos_test

import (
	"context"
	"time"
)

// row is a credential as stored, with the database's clock.
type row struct {
	AppID, Kind    string
	Version, Fence int64
	Hash, Owner    string
	DueMs, LeaseMs int64
	ExpiresMs      int64
	NowMs          int64
}

// overdue is how long nobody has worked on a row that should be worked on.
func (r row) overdue() time.Duration {
	return time.Duration(r.NowMs-max(r.DueMs, r.LeaseMs)) * time.Millisecond
}

// The database's clock.
const (
	mysqlNowMs  = "CAST(UNIX_TIMESTAMP(NOW(6))*1000 AS SIGNED)"
	sqliteNowMs = "CAST(unixepoch('subsec')*1000 AS INTEGER)"
)

// rows reads all credentials.
func (c *cluster) rows() ([]row, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	found, err := c.db.QueryContext(ctx, `SELECT app_id, kind, version, fence, value_hash, lease_owner,
  next_refresh_ms, lease_until_ms, expires_ms, `+c.nowMs+` FROM credential ORDER BY app_id, kind`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var all []row
	for found.Next() {
		var r row
		err := found.Scan(&r.AppID, &r.Kind, &r.Version, &r.Fence, &r.Hash, &r.Owner, &r.DueMs, &r.LeaseMs, &r.ExpiresMs, &r.NowMs)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, found.Err()
}

// row reads one credential.
func (c *cluster) row(appID, kind string) row {
	c.t.Helper()
	all, err := c.rows()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range all {
		if r.AppID == appID && r.Kind == kind {
			return r
		}
	}
	c.t.Fatalf("no row %s %s", appID, kind)
	return row{}
}

// nudge makes a credential due that nobody works on, as if its time had come;
// so many periods fit into a test.
func (c *cluster) nudge(appID, kind string) error { return c.nudgeIn(appID, kind, 0) }

// nudgeIn is nudge for a moment that is to come.
func (c *cluster) nudgeIn(appID, kind string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	_, err := c.db.ExecContext(ctx, "UPDATE credential SET next_refresh_ms="+c.nowMs+"+? WHERE app_id=? AND kind=? AND lease_owner='' AND version>0",
		wait.Milliseconds(), appID, kind)
	return err
}

// past is a history row.
type past struct {
	AppID, Kind      string
	Version, Fence   int64
	Trigger, Outcome string
	Fingerprint      string
}

// history reads all history rows, oldest first.
func (c *cluster) history() []past {
	c.t.Helper()
	found, err := c.db.QueryContext(c.t.Context(), `SELECT app_id, kind, version, fence, trigger_name, outcome, fingerprint
FROM history ORDER BY id`)
	if err != nil {
		c.t.Fatal(err)
	}
	defer found.Close()
	var all []past
	for found.Next() {
		var h past
		if err := found.Scan(&h.AppID, &h.Kind, &h.Version, &h.Fence, &h.Trigger, &h.Outcome, &h.Fingerprint); err != nil {
			c.t.Fatal(err)
		}
		all = append(all, h)
	}
	if err := found.Err(); err != nil {
		c.t.Fatal(err)
	}
	return all
}
