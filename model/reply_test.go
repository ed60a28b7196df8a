package model_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// cuts is how often each statement loses its reply.
const cuts = 20

// behindProxy is a store whose replies can be lost, and one past the proxy.
func behindProxy(t *testing.T) (proxy *modeltest.Proxy, through, direct *model.Store) {
	t.Helper()
	dsn := modeltest.MariaDB(t)
	direct = modeltest.Connect(t, model.MySQL, dsn)
	if _, err := direct.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy, dsn = modeltest.NewProxyFor(t, dsn)
	return proxy, modeltest.Connect(t, model.MySQL, dsn), direct
}

func containing(text string) func([]byte) bool {
	return func(query []byte) bool { return bytes.Contains(query, []byte(text)) }
}

// openOutcome holds that the client cannot know, and that the cut happened.
func openOutcome(t *testing.T, done bool, err error, cut <-chan struct{}) {
	t.Helper()
	if done || !errors.Is(err, model.ErrUnreachable) || errors.Is(err, model.ErrNotApplied) {
		t.Fatalf("%t, %v; want ErrUnreachable: the outcome is open", done, err)
	}
	select {
	case <-cut:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was cut")
	}
}

func want(t *testing.T, what string, want, got bool, err error) {
	t.Helper()
	if err != nil || got != want {
		t.Fatalf("%s: %t, %v; want %t", what, got, err, want)
	}
}

// Regression: 100 of 100 such claims had been carried out although the driver
// reported an invalid connection.
func TestClaimWithLostReplyIsReadBack(t *testing.T) {
	t.Parallel()
	proxy, through, direct := behindProxy(t)
	const claim = "SET fence=fence+1, lease_owner="
	for i := range cuts {
		g := grantOf(t, direct, insert(t, direct), fmt.Sprintf("replica/%d", i))
		cut := proxy.CutNextQuery(containing(claim))
		held, err := through.Claim(t.Context(), g, lease)
		openOutcome(t, held, err, cut)
		held, err = through.Holds(t.Context(), g)
		want(t, "holds after a lost query", false, held, err)

		cut = proxy.CutNextReply(containing(claim))
		held, err = through.Claim(t.Context(), g, lease)
		openOutcome(t, held, err, cut)
		held, err = through.Holds(t.Context(), g)
		want(t, "holds after a lost reply", true, held, err)
		if row := tokenOf(t, direct, g.AppID); row.Fence != g.Fence+1 || row.LeaseOwner != g.Owner {
			t.Fatalf("fence %d of %q: not claimed just once", row.Fence, row.LeaseOwner)
		}
	}
}

func TestPublishWithLostReplyIsReadBack(t *testing.T) {
	t.Parallel()
	proxy, through, direct := behindProxy(t)
	const publish = "SET version=version+1"
	for i := range cuts {
		g := grantOf(t, direct, insert(t, direct), "replica/attempt")
		held, err := through.Claim(t.Context(), g, lease)
		want(t, "claim", true, held, err)
		p := model.Publication{
			PublishID: fmt.Sprintf("%032d", i), ValueEnc: []byte("v"), ValueHash: "h",
			IssuedMs: 1, ExpiresMs: 2, LifeMs: 1, NextRefreshMs: 2,
		}
		cut := proxy.CutNextQuery(containing(publish))
		done, err := through.Publish(t.Context(), g, p)
		openOutcome(t, done, err, cut)
		done, err = through.Published(t.Context(), g, p.PublishID)
		want(t, "published after a lost query", false, done, err)

		cut = proxy.CutNextReply(containing(publish))
		done, err = through.Publish(t.Context(), g, p)
		openOutcome(t, done, err, cut)
		done, err = through.Published(t.Context(), g, p.PublishID)
		want(t, "published after a lost reply", true, done, err)
		done, err = through.Publish(t.Context(), g, p)
		want(t, "the same again", false, done, err)
		if row := tokenOf(t, direct, g.AppID); row.Version != 1 || row.PublishID != p.PublishID {
			t.Fatalf("version %d with publish id %q, want 1 with ours", row.Version, row.PublishID)
		}
	}
}
