package publish

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wxsign/wxsign/service/snapshot"
)

// batch is how many keys are written in one round trip.
const batch = 200

// job is what one account needs.
type job struct {
	appID string
	view  *snapshot.View // nil: the account is gone
	kinds []string       // kept now
	drop  []string       // kept before
}

// pass writes what has changed since the last one, or compares everything when
// that is due. Without changes it does not talk to Redis at all.
func (p *Publisher) pass(ctx context.Context) (talked bool, err error) {
	full := !time.Now().Before(p.nextFull)
	jobs := p.jobs(full)
	if len(jobs) == 0 && !full {
		return false, nil
	}
	s, err := p.prepare(ctx)
	var wrongType error
	for len(jobs) > 0 && err == nil {
		n := portion(jobs)
		if err = p.write(ctx, jobs[:n], s); isWrongType(err) {
			wrongType, err = err, nil
		}
		jobs = jobs[n:]
	}
	if err != nil {
		p.nextFull = time.Time{} // it may come back empty
		return true, err
	}
	p.succeeded(full)
	return true, wrongType
}

func (p *Publisher) succeeded(full bool) {
	now := time.Now()
	if full {
		p.nextFull = now.Add(p.o.Reconcile)
	}
	values := 0
	for appID, view := range p.written {
		for _, kind := range p.kinds[appID] {
			if c, found := view.Credential(kind); found && c.Live(now) {
				values++
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.LastSuccess, p.status.Values = now, values
}

// portion is how many of the jobs fit into one round trip.
func portion(jobs []job) int {
	keys := 0
	for i := range jobs {
		if keys += len(jobs[i].kinds) + len(jobs[i].drop); keys >= batch {
			return i + 1
		}
	}
	return len(jobs)
}

// jobs lists the accounts that have changed, or all of them.
func (p *Publisher) jobs(full bool) []job {
	var jobs []job
	present := make(map[string]bool, len(p.kinds))
	for view := range p.table.All() {
		appID := view.Account.AppID
		present[appID] = true
		if full || p.written[appID] != view {
			jobs = append(jobs, p.jobOf(view))
		}
	}
	for _, appID := range slices.Collect(maps.Keys(p.kinds)) {
		if !present[appID] {
			jobs = append(jobs, job{appID: appID, drop: p.kinds[appID]})
		}
	}
	return jobs
}

func (p *Publisher) jobOf(view *snapshot.View) job {
	j := job{appID: view.Account.AppID, view: view}
	if view.Account.Enabled {
		j.kinds = keptKinds(view)
	} else {
		j.drop = keptKinds(view) // another run of wxsign may have written them
	}
	for _, kind := range p.kinds[j.appID] {
		if !slices.Contains(j.kinds, kind) && !slices.Contains(j.drop, kind) {
			j.drop = append(j.drop, kind)
		}
	}
	return j
}

// session is what a pass learns of Redis first: the names of the scripts, and
// its clock.
type session struct {
	put, drop string
	redisMs   int64
	local     time.Time // not before the reading of redisMs
}

// end is a deadline of this process by Redis's clock. It can only be early.
func (s session) end(deadline time.Time) (endMs, leftMs int64) {
	leftMs = deadline.Sub(s.local).Milliseconds()
	return s.redisMs + leftMs, leftMs
}

// prepare sees to it that Redis knows the scripts, and reads its clock.
func (p *Publisher) prepare(ctx context.Context) (session, error) {
	pipe := p.client.Pipeline()
	put, drop, clock := pipe.ScriptLoad(ctx, putScript), pipe.ScriptLoad(ctx, dropScript), pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil {
		return session{}, err
	}
	return session{put: put.Val(), drop: drop.Val(), redisMs: clock.Val().UnixMilli(), local: time.Now()}, nil
}

// write does some jobs in one round trip. A key that holds something else does
// not keep the others from being written: it comes again with everything.
func (p *Publisher) write(ctx context.Context, jobs []job, s session) (err error) {
	pipe := p.client.Pipeline()
	for i := range jobs {
		p.queue(ctx, pipe, &jobs[i], s)
	}
	if pipe.Len() > 0 {
		commands, first := pipe.Exec(ctx)
		if err = worst(commands, first); err != nil && !isWrongType(err) {
			return withoutValues(err, jobs)
		}
	}
	for i := range jobs {
		p.wrote(&jobs[i])
	}
	return withoutValues(err, jobs)
}

// queue adds the commands of a job. A value that has ended is removed only if it
// is the one that Redis holds: usually its time has taken it away already.
func (p *Publisher) queue(ctx context.Context, pipe redis.Pipeliner, j *job, s session) {
	run := func(script, kind string, args ...any) {
		key := p.keys.of(j.appID, kind)
		pipe.EvalSha(ctx, script, []string{key, stampKey(key)}, args...)
	}
	for _, kind := range j.drop {
		run(s.drop, kind, "")
	}
	for _, kind := range j.kinds {
		c, found := j.view.Credential(kind)
		if !found || c.PublishID == "" {
			continue
		}
		if endMs, leftMs := s.end(c.Deadline); c.Value.IsZero() || leftMs <= 0 {
			run(s.drop, kind, c.PublishID)
		} else {
			run(s.put, kind, c.Value.Reveal(), c.Version, c.IssuedAt, c.PublishID, endMs, leftMs)
		}
	}
}

// wrote remembers what Redis was told.
func (p *Publisher) wrote(j *job) {
	if len(j.kinds) > 0 {
		p.kinds[j.appID] = j.kinds
	} else {
		delete(p.kinds, j.appID)
	}
	if j.view != nil {
		p.written[j.appID] = j.view
	} else {
		delete(p.written, j.appID)
	}
}

// worst picks the error of a pipeline that says most: the first that is not
// about a single key, else the first.
func worst(commands []redis.Cmder, first error) error {
	for _, command := range commands {
		if err := command.Err(); err != nil && !isWrongType(err) && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return first
}

func isWrongType(err error) bool {
	return err != nil && strings.Contains(err.Error(), "WRONGTYPE")
}
