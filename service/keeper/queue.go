package keeper

// queue is the accounts that wait for their first slot. Where ten thousand are due at
// once, as after an outage, they wait here by name: a goroutine for each would be 80 MB
// of stacks.
type queue struct {
	waiting []string // by AppID, the first one first
	served  bool     // by serveQueue
}

// beginTending has the account tended, unless it is already. While a file is served
// nothing is renewed: schema and master key have not been checked yet, and a report
// may find the database before Start does.
func (k *Keeper) beginTending(appID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.loaded.Load() || k.busy[appID] != nil || k.working.Err() != nil {
		return
	}
	k.busy[appID] = make(chan struct{}, 1)
	k.queue.waiting = append(k.queue.waiting, appID)
	if !k.queue.served {
		k.queue.served = true
		k.tasks.Go(k.serveQueue)
	}
}

// serveQueue starts a goroutine for one account after the other, each as soon as there
// is a slot for its first step, until none waits or the keeper stops.
func (k *Keeper) serveQueue() {
	for {
		appID, wake, found := k.nextInQueue()
		if !found || k.slots.Acquire(k.working, 1) != nil {
			return
		}
		started := k.spawn(func() {
			defer k.vacate(appID)
			defer k.recoverFrom(appID)
			k.tend(appID, wake)
		})
		if !started {
			k.slots.Release(1)
			return
		}
	}
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

// prompt has an account tended now: somebody waits for it.
func (k *Keeper) prompt(appID string) {
	k.mu.Lock()
	wake := k.busy[appID]
	k.mu.Unlock()
	if wake == nil {
		k.beginTending(appID)
		return
	}
	select {
	case wake <- struct{}{}:
	default: // it is being woken already
	}
}

func (k *Keeper) vacate(appID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.busy, appID)
}
