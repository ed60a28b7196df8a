package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// watch lets pages ask while a store is ill and after heal has ended that, and tells
// in a cell of the table what they got.
func watch(ctx context.Context, p *process, wechat string, heal func() error) (string, error) {
	tokens, tickets, err := calls(ctx, wechat)
	if err != nil {
		return "", err
	}
	began := time.Now()
	fates := steadily(ctx, p, wechat)
	// Whoever asks in the time that counts is not saved by the healing.
	time.Sleep(illCounted + faultPatience)
	moreTokens, moreTickets, err := calls(ctx, wechat)
	err = errors.Join(err, heal())
	back := time.Now()
	time.Sleep(faultRecovery)
	all := fates()
	if err := errors.Join(err, ctx.Err()); err != nil {
		return "", err
	}
	asked := func(from, to time.Time) (some []fate) {
		for _, f := range all {
			if !f.at.Before(from) && f.at.Before(to) {
				some = append(some, f)
			}
		}
		return some
	}
	text := summary(asked(began, began.Add(illCounted)))
	if n := moreTokens - tokens + moreTickets - tickets; n > 0 {
		text += fmt.Sprintf("; %d calls", n)
	}
	return text + "; " + recovery(asked(back, back.Add(faultRecovery)), back), nil
}

// steadily lets a page ask at each tick until what it returns is called, which waits
// for the last answer and gives the fates of all.
func steadily(ctx context.Context, p *process, wechat string) func() []fate {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	stop := make(chan struct{})
	var (
		lock  sync.Mutex
		all   []fate
		pages sync.WaitGroup
	)
	pages.Go(func() {
		tick := time.NewTicker(illPace)
		defer tick.Stop()
		for {
			pages.Go(func() {
				f := askPage(ctx, client, p, wechat)
				lock.Lock()
				defer lock.Unlock()
				all = append(all, f)
			})
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return func() []fate {
		close(stop)
		pages.Wait()
		client.CloseIdleConnections()
		return all
	}
}

// summary says how many pages were signed, how quickly, and what the others got.
func summary(fates []fate) string {
	var took []time.Duration
	var others []string
	counts := map[string]int{}
	for _, f := range fates {
		if f.signed() {
			took = append(took, f.took)
			continue
		}
		if counts[f.instead]++; counts[f.instead] == 1 {
			others = append(others, f.instead)
		}
	}
	text := fmt.Sprintf("**%d %%**", 100*len(took)/max(1, len(fates))) // 100 only where all were
	if len(took) > 0 {
		slices.Sort(took)
		text += fmt.Sprintf(", p99 %s", took[len(took)*99/100].Round(100*time.Microsecond))
	}
	for i, other := range others {
		others[i] = fmt.Sprintf("%d× %s", counts[other], other)
	}
	return strings.Join(append([]string{text}, others...), ", ")
}

// recovery is when the last page asked that was not signed, from the moment on in
// which the store was back.
func recovery(fates []fate, back time.Time) string {
	var last time.Duration
	for _, f := range fates {
		if !f.signed() {
			last = max(last, f.at.Sub(back)+illPace)
		}
	}
	if last > faultRecovery-time.Second {
		return "**not within " + faultRecovery.String() + "**"
	}
	return last.Round(10 * time.Millisecond).String()
}
