package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
)

// hashOf binds an entry to the one before it and to its own words. Each field has
// its length before it, so that no two entries give the same text.
func hashOf(a model.Audit) string {
	h := sha256.New()
	seq := int64(0)
	if a.Seq != nil {
		seq = *a.Seq
	}
	for _, field := range []string{
		"wxsign audit 1", a.PrevHash, fmt.Sprint(seq), fmt.Sprint(a.AtMs), a.Actor, a.Address, a.Action, a.Target, a.RequestID,
	} {
		_, _ = fmt.Fprintf(h, "%d:%s,", len(field), field) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Break is what is wrong with a chain.
type Break string

// The breaks; the words are keys of texts in the panel.
const (
	Changed  Break = "changed"  // the entry's words are not those that were written
	Unlinked Break = "unlinked" // the entry does not hold on to the one before it
	Missing  Break = "missing"  // entries were taken out before this one
	Cut      Break = "cut"      // entries were taken off the end
)

// Verdict is what a look along the chain found.
type Verdict struct {
	Broken  Break     // "" = intact as far as was looked
	Seq     int64     // of the last good entry, 0 = none
	At      time.Time // of that entry
	Hash    string    // of that entry
	Checked int       // entries looked at
	// Next is where to look on, 0 = all was looked at.
	Next int64
}

// Bounds of one look: a chunk per question to the database, and a time that a
// person waits.
const (
	chainChunk = 1000
	chainMost  = 100_000
)

// Verify looks along the chain from entry from on (0 or 1 = from the first), up to
// chainMost entries; previous is the hash of the entry before it, as an earlier
// look told it. It fails with ErrPlace where that look cannot have been. What
// somebody changes who can write the whole table and knows the form of the hash is
// not found by this alone, but by comparing Hash with one noted before.
func (l *Log) Verify(ctx context.Context, from int64, previous string) (Verdict, error) {
	head, err := l.store.AuditHead(ctx)
	if err != nil {
		return Verdict{}, err
	}
	from = max(from, 1)
	if first := from == 1; first != (previous == "") || from-1 > head.Seq {
		return Verdict{}, ErrPlace
	}
	v := Verdict{Seq: from - 1, Hash: previous}
	for v.Checked < chainMost {
		links, err := l.store.AuditChain(ctx, v.Seq+1, chainChunk)
		if err != nil {
			return Verdict{}, err
		}
		if !v.follow(links) {
			return v, nil
		}
		if len(links) < chainChunk {
			return v.atEnd(head), nil
		}
	}
	v.Next = v.Seq + 1
	return v, nil
}

// follow looks at the next links and reports whether all of them hold.
func (v *Verdict) follow(links []model.Audit) bool {
	for _, link := range links {
		switch {
		case *link.Seq != v.Seq+1:
			v.Broken = Missing
		case link.PrevHash != v.Hash:
			v.Broken = Unlinked
		case hashOf(link) != link.Hash:
			v.Broken = Changed
		}
		if v.Broken != "" {
			return false
		}
		v.Seq, v.Hash, v.At = *link.Seq, link.Hash, time.UnixMilli(link.AtMs)
		v.Checked++
	}
	return true
}

// atEnd compares the last link with what the head was before the look began:
// entries written meanwhile are no fault.
func (v *Verdict) atEnd(head model.AuditHead) Verdict {
	if v.Seq < head.Seq || v.Seq == head.Seq && v.Hash != head.Hash {
		v.Broken = Cut
	}
	return *v
}
