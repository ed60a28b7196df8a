package model

import (
	"context"

	"gorm.io/gorm"
)

// Audit is a row of table audit: what somebody was about to do. Rows are only
// ever added, and each holds the hash of the one before it.
type Audit struct {
	ID        int64
	Seq       *int64 // number in the chain, from 1; nil in entries of versions that had none
	AtMs      int64
	Actor     string
	Address   string
	Action    string
	Target    string
	RequestID string
	PrevHash  string // of the entry Seq-1, "" in the first
	Hash      string // of this one, by the caller of AddAudit
}

const auditColumns = "a.id, a.seq, a.at_ms, a.actor, a.address, a.action, a.target, a.request_id, a.prev_hash, a.hash"

// AuditHead is the newest link of the chain.
type AuditHead struct {
	Seq   int64  // 0 = there is none
	Hash  string // "" = there is none
	NowMs int64  `gorm:"column:now_ms"`
}

// AuditHead reads the newest link with the database's clock.
func (s *Store) AuditHead(ctx context.Context) (AuditHead, error) {
	var head AuditHead
	err := s.query(ctx, "SELECT t.seq, t.hash, NOWMS AS now_ms FROM turn t WHERE t.name = ?", turnAudit).Scan(&head).Error
	return head, wrap("read the end of the audit log", err)
}

// AddAudit puts an entry behind the head that it was made for: a compare-and-
// swap on the head and the entry, in one transaction. False means that another
// entry was faster: read the head again.
func (s *Store) AddAudit(ctx context.Context, head AuditHead, a Audit) (bool, error) {
	added := false
	err := s.together(ctx, func(tx *gorm.DB) error {
		// The head first: its row is the one that writers wait for each other at.
		result := tx.Exec("UPDATE turn SET seq = ?, hash = ? WHERE name = ? AND seq = ? AND hash = ?",
			head.Seq+1, a.Hash, turnAudit, head.Seq, head.Hash)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		added = true
		return tx.Exec(`
INSERT INTO audit (seq, at_ms, actor, address, action, target, request_id, prev_hash, hash)
VALUES (@Seq, @AtMs, @Actor, @Address, @Action, @Target, @RequestID, @PrevHash, @Hash)`, a).Error
	})
	return added && err == nil, wrap("write the audit log", err)
}

// AuditKey is a place in the log, which is ordered by time and then id. The zero
// key is the newest end.
type AuditKey struct {
	AtMs int64
	ID   int64
}

// AuditFilter says which entries are wanted; zero fields do not matter.
type AuditFilter struct {
	Actor, Action string
	// Target is a whole target, or what one begins with up to a space: an AppID
	// finds "wx… jsapi: reason", too.
	Target string
	FromMs int64 // this instant and later
	ToMs   int64 // before this instant
}

// auditSearch bounds the entries that one page looks at where a filter has several
// conditions.
const auditSearch = 5000

// AuditPage reads at most limit entries that come after the given place, newest
// first. next is where to go on, nil at the end; with fewer entries than asked for,
// the search was cut short there.
func (s *Store) AuditPage(ctx context.Context, f AuditFilter, after AuditKey, limit int) (rows []Audit, next *AuditKey, err error) {
	index, where, rest := f.plan(after)
	from := "FROM audit a " + s.along(index)
	var end []AuditKey
	if len(rest.terms) > 0 {
		err = s.query(ctx, "SELECT a.at_ms, a.id "+from+where.text()+" ORDER BY a.at_ms DESC, a.id DESC LIMIT 1 OFFSET ?",
			append(where.args, auditSearch-1)...).Scan(&end).Error
		if err != nil {
			return nil, nil, wrap("search the audit log", err)
		}
		where.add(rest.terms, rest.args...)
		if len(end) > 0 {
			where.add([]string{"a.at_ms >= ?", "(a.at_ms > ? OR a.id >= ?)"}, end[0].AtMs, end[0].AtMs, end[0].ID)
		}
	}
	err = s.query(ctx, "SELECT "+auditColumns+" "+from+where.text()+" ORDER BY a.at_ms DESC, a.id DESC LIMIT ?",
		append(where.args, limit+1)...).Scan(&rows).Error
	switch {
	case err != nil:
		return nil, nil, wrap("read the audit log", err)
	case len(rows) > limit:
		rows = rows[:limit]
		return rows, &AuditKey{rows[limit-1].AtMs, rows[limit-1].ID}, nil
	case len(end) > 0:
		return rows, &end[0], nil
	}
	return rows, nil, nil
}

// plan chooses the index of the first condition; the others are looked at row
// by row.
func (f AuditFilter) plan(after AuditKey) (index string, where, rest conditions) {
	index = "audit_at"
	if f.Target != "" {
		index = "audit_target"
		where.add([]string{"a.target >= ?", "a.target < ?"}, f.Target, f.Target+afterSpace)
	}
	for _, c := range []struct{ index, term, value string }{
		{"audit_action", "a.action = ?", f.Action}, {"audit_actor", "a.actor = ?", f.Actor},
	} {
		switch {
		case c.value == "":
		case index == "audit_at":
			index = c.index
			where.add([]string{c.term}, c.value)
		default:
			rest.add([]string{c.term}, c.value)
		}
	}
	if f.FromMs > 0 {
		where.add([]string{"a.at_ms >= ?"}, f.FromMs)
	}
	if f.ToMs > 0 {
		where.add([]string{"a.at_ms < ?"}, f.ToMs)
	}
	if after != (AuditKey{}) {
		where.add([]string{"a.at_ms <= ?", "(a.at_ms < ? OR a.id < ?)"}, after.AtMs, after.AtMs, after.ID)
	}
	return index, where, rest
}

// afterSpace is the character behind the space: between a word and the word with
// it is the word itself, and all that begins with the word and a space. Ranges
// are read along an index, also where LIKE is not.
const afterSpace = "!"

// AuditChain reads at most limit links from seq on, in the chain's order.
func (s *Store) AuditChain(ctx context.Context, seq int64, limit int) ([]Audit, error) {
	var rows []Audit
	err := s.query(ctx, "SELECT "+auditColumns+" FROM audit a WHERE a.seq >= ? ORDER BY a.seq LIMIT ?", seq, limit).Scan(&rows).Error
	return rows, wrap("read the chain of the audit log", err)
}
