package apikey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
)

const (
	// followInterval is how often the database is asked for changes: with its
	// answer on top, a revoked key is refused within a second.
	followInterval = 400 * time.Millisecond
	// wholeInterval is how often all keys are read, changed or not: behind a
	// proxy, the mark and the keys may have come from nodes of different age.
	wholeInterval = 10 * time.Second
	// dbTimeout bounds one statement.
	dbTimeout = 3 * time.Second

	// absentFor is how long a key that was not found is not looked for again. If
	// it comes to be, the next look of follow finds it.
	absentFor  = 10 * time.Second
	mostAbsent = 4096
	// mostWaiting lookups may wait for the one that is asking the database.
	// Strangers can make up keys with a right checksum; this is all they get.
	mostWaiting = 64

	// usedEvery is how exactly the last use is written down.
	usedEvery = time.Minute
)

// Load reads the live keys. It fails where the database cannot be asked.
func (k *Keys) Load(ctx context.Context) error {
	if err := k.begin(ctx); err != nil {
		return err
	}
	defer k.end()
	return k.readAll(ctx)
}

// Start follows the database until Stop. A second Start has no effect.
func (k *Keys) Start() {
	if k.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.stop = cancel
	k.done.Go(func() { k.follow(ctx) })
}

// Stop ends what Start began and writes down the last uses. It waits until ctx
// ends at most.
func (k *Keys) Stop(ctx context.Context) error {
	if k.stop == nil {
		return nil
	}
	k.stop()
	k.done.Wait()
	return k.writeUses(ctx, 0)
}

func (k *Keys) follow(ctx context.Context) {
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := errors.Join(k.refresh(ctx), k.writeUses(ctx, usedEvery))
		if err != nil && !failing && ctx.Err() == nil {
			k.log.Warn("cannot follow the API keys in the database; those in memory stay valid, and a key revoked meanwhile too", "err", err)
		}
		failing = err != nil
	}
}

// refresh reads the keys again if there may be a change.
func (k *Keys) refresh(ctx context.Context) error {
	if err := k.begin(ctx); err != nil {
		return err
	}
	defer k.end()
	if now := k.live.Load(); time.Since(now.whole) < wholeInterval {
		ctx, cancel := context.WithTimeout(ctx, dbTimeout)
		defer cancel()
		mark, err := k.store.APIKeysMark(ctx)
		if err != nil || mark == now.mark {
			return err
		}
	}
	return k.readAll(ctx)
}

// readAll replaces the set. The caller holds reading. The mark is read first,
// so that a change between the two readings is seen next time.
func (k *Keys) readAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*dbTimeout)
	defer cancel()
	mark, err := k.store.APIKeysMark(ctx)
	if err != nil {
		return err
	}
	asked := time.Now()
	rows, nowMs, err := k.store.LiveAPIKeys(ctx)
	if err != nil {
		return err
	}
	was, next := k.live.Load(), &set{byHash: make(map[string]*Caller, len(rows)), mark: mark, whole: asked}
	for _, row := range rows {
		c, err := newCaller(row, nowMs, asked)
		if err != nil {
			k.log.Error("an API key cannot be used", "err", err)
			continue
		}
		if old, found := was.byHash[c.hash]; found {
			c.use = old.use
		}
		next.byHash[c.hash] = c
	}
	k.live.Store(next)
	return nil
}

// lookUp asks the database for a key that is not in memory.
func (k *Keys) lookUp(ctx context.Context, hash string) (*Caller, error) {
	if k.isAbsent(hash) {
		return nil, ErrInvalid
	}
	if k.waiting.Add(1) > mostWaiting {
		k.waiting.Add(-1)
		return nil, fmt.Errorf("%w: too many unknown keys are being looked up", ErrUnchecked)
	}
	err := k.begin(ctx)
	k.waiting.Add(-1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnchecked, err)
	}
	defer k.end()
	if c, found := k.live.Load().find([]byte(hash)); found { // while we waited
		return c, nil
	}
	if k.isAbsent(hash) {
		return nil, ErrInvalid
	}
	return k.fetch(ctx, hash)
}

// fetch adds a key of the database to the set. The caller holds reading.
func (k *Keys) fetch(ctx context.Context, hash string) (*Caller, error) {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	asked := time.Now()
	row, nowMs, err := k.store.LiveAPIKey(ctx, hash)
	switch {
	case errors.Is(err, model.ErrNotFound):
		k.absent.Add(hash, asked)
		return nil, ErrInvalid
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnchecked, err)
	}
	c, err := newCaller(row, nowMs, asked)
	if err != nil {
		return nil, err
	}
	k.live.Store(k.live.Load().with(c))
	return c, nil
}

func (k *Keys) isAbsent(hash string) bool {
	since, found := k.absent.Get(hash)
	return found && time.Since(since) < absentFor
}

// begin waits for the right to read keys and replace the set: of two readings,
// the older one must not win.
func (k *Keys) begin(ctx context.Context) error {
	select {
	case k.reading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *Keys) end() { <-k.reading }

// writeUses writes down uses that are not yet, of each key once in every.
func (k *Keys) writeUses(ctx context.Context, every time.Duration) error {
	for _, c := range k.live.Load().byHash {
		at := c.use.at.Load()
		if at == c.use.written || time.Since(c.use.wrote) < every {
			continue
		}
		if err := k.writeUse(ctx, c, at); err != nil {
			return err
		}
		c.use.written, c.use.wrote = at, time.Now()
	}
	return nil
}

func (k *Keys) writeUse(ctx context.Context, c *Caller, at int64) error {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	address := ""
	if addr := c.use.address.Load(); addr != nil {
		address = addressText(*addr)
	}
	ago := max(0, time.Since(time.Unix(0, at)))
	return k.store.NoteAPIKeyUsed(ctx, c.ID, address, ago.Milliseconds())
}
