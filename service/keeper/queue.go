package keeper

import "slices"

// queue is the accounts that wait for their first slot, or for the next one behind a
// pause. Where ten thousand are due at once, as after an outage, they wait here by
// name: a goroutine for each would be 80 MB of stacks.
type queue struct {
	waiting []string // by AppID, the first one first
	served  bool     // by serveQueue
}

// advance puts an account that waits before all others.
func (q *queue) advance(appID string) {
	if i := slices.Index(q.waiting, appID); i > 0 {
		copy(q.waiting[1:], q.waiting[:i])
		q.waiting[0] = appID
	}
}

// beginTending has the account tended, unless it is already.
func (k *Keeper) beginTending(appID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy[appID] == nil {
		k.enqueue(appID)
	}
}

// prompt has an account tended now, before all others: somebody waits for it.
func (k *Keeper) prompt(appID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy[appID] == nil {
		k.enqueue(appID)
		k.queue.advance(appID)
		return
	}
	select {
	case k.busy[appID] <- struct{}{}:
		k.queue.advance(appID)
	default: // it is being woken already
	}
}

// enqueue begins with an account; k.mu is held. While a file is served nothing is
// renewed: schema and master key have not been checked yet, and a report may find the
// database before Start does.
func (k *Keeper) enqueue(appID string) {
	if !k.loaded.Load() || k.working.Err() != nil {
		return
	}
	k.busy[appID] = make(chan struct{}, 1)
	k.queue.waiting = append(k.queue.waiting, appID)
	if !k.queue.served {
		k.queue.served = true
		k.tasks.Go(k.serveQueue)
	}
}

// waitAgain has an account that comes out of a pause wait behind those that have not
// had their turn yet; false = nobody waits. Hanging accounts that try again would keep
// the others from their first try.
func (k *Keeper) waitAgain(appID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue.waiting) == 0 || k.working.Err() != nil {
		return false
	}
	k.queue.waiting = append(k.queue.waiting, appID)
	return true
}

// serveQueue starts a goroutine for one account after the other, each as soon as there
// is a slot for its next step, until none waits or the keeper stops.
func (k *Keeper) serveQueue() {
	for {
		appID, wake, found := k.nextInQueue()
		if !found || k.slots.Acquire(k.working, 1) != nil {
			return
		}
		started := k.spawn(func() { k.tendUntilPause(appID, wake) })
		if !started {
			k.slots.Release(1)
			return
		}
	}
}

// tendUntilPause tends the account to its end, or until it waits again. A fault is an
// end.
func (k *Keeper) tendUntilPause(appID string, wake <-chan struct{}) {
	waits := false
	defer func() {
		if !waits {
			k.vacate(appID)
		}
	}()
	defer k.recoverFrom(appID)
	waits = k.tend(appID, wake)
}

func (k *Keeper) nextInQueue() (appID string, wake <-chan struct{}, found bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue.waiting) == 0 {
		k.queue = queue{}
		return "", nil, false
	}
	appID = k.queue.waiting[0]
	k.queue.waiting = k.queue.waiting[1:]
	return appID, k.busy[appID], true
}

func (k *Keeper) vacate(appID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.busy, appID)
}
