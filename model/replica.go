package model

import (
	"context"
	"errors"
)

// Replica is a row of table replica: a process that serves, or did.
type Replica struct {
	Name      string
	Version   string
	Config    string // equal where two replicas have the same configuration and keys
	StartedMs int64
	SeenMs    int64
}

// SeeReplica notes that a replica is alive now, by the database's clock.
func (s *Store) SeeReplica(ctx context.Context, r Replica) error {
	n, err := s.exec(ctx, "note that this replica is alive", "UPDATE replica SET seen_ms=NOWMS WHERE name=@Name", r)
	if err != nil || n > 0 {
		return err
	}
	_, err = s.exec(ctx, "note that this replica has started", `
INSERT INTO replica (name, version, config, started_ms, seen_ms) VALUES (@Name, @Version, @Config, NOWMS, NOWMS)`, r)
	if errors.Is(err, ErrDuplicate) {
		return nil // seen twice in one millisecond
	}
	return err
}

// Replicas reads those that were seen in the last sinceMs, at most limit, the
// newest start first, and the database clock of the reading.
func (s *Store) Replicas(ctx context.Context, sinceMs int64, limit int) ([]Replica, int64, error) {
	var rows []struct {
		Replica `gorm:"embedded"`
		NowMs   int64
	}
	err := s.query(ctx, `
SELECT name, version, config, started_ms, seen_ms, NOWMS AS now_ms FROM replica WHERE seen_ms > NOWMS - ?
ORDER BY seen_ms DESC LIMIT ?`, sinceMs, limit).Scan(&rows).Error
	replicas, nowMs := make([]Replica, 0, len(rows)), int64(0)
	for i := range rows {
		replicas, nowMs = append(replicas, rows[i].Replica), rows[i].NowMs
	}
	return replicas, nowMs, wrap("read the replicas", err)
}

// ForgetReplica takes a replica out that is about to end.
func (s *Store) ForgetReplica(ctx context.Context, name string) error {
	_, err := s.exec(ctx, "forget this replica", "DELETE FROM replica WHERE name=?", name)
	return err
}

// PurgeReplicas forgets the replicas that were not seen for ageMs.
func (s *Store) PurgeReplicas(ctx context.Context, ageMs int64) (int64, error) {
	return s.exec(ctx, "purge replicas", "DELETE FROM replica WHERE seen_ms <= NOWMS - ?", ageMs)
}
