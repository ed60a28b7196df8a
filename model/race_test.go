package model_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

func TestOfManyReplicasOneWinsEachFence(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			stores := modeltest.Replicas(t, engine, 3)
			appID := insert(t, stores[0])
			var contenders []modeltest.Contender
			for i := range 9 {
				contenders = append(contenders, modeltest.Contender{Store: stores[i%len(stores)]})
			}
			o := modeltest.Race(t, contenders, appID, 2000)
			t.Logf("%+v", o)
			if fence := tokenOf(t, stores[0], appID).Fence; o.Double != 0 || fence != int64(o.Fences) || o.Lost == 0 {
				t.Errorf("%+v with the fence at %d; want none won twice, and some lost", o, fence)
			}
		})
	}
}

// The race above would be worth nothing if it could not see a claim that looks
// first and writes then.
func TestTheRaceCatchesANaiveClaim(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			store, dsn := migrated(t, engine)
			appID := insert(t, store)
			var contenders []modeltest.Contender
			for range 6 {
				contenders = append(contenders, modeltest.Contender{Store: store, Claim: naive(raw(t, engine.Driver, dsn))})
			}
			o := modeltest.Race(t, contenders, appID, 500)
			t.Logf("%+v", o)
			if o.Double == 0 {
				t.Errorf("%+v: no fence was won twice: the race is too tame", o)
			}
		})
	}
}

// naive looks whether the row is free and then takes it.
func naive(db *sql.DB) func(context.Context, model.Grant, int64) (bool, error) {
	return func(ctx context.Context, g model.Grant, leaseMs int64) (bool, error) {
		var fence, until int64
		err := db.QueryRowContext(ctx,
			"SELECT fence, lease_until_ms FROM credential WHERE app_id = ? AND kind = ?", g.AppID, g.Kind).Scan(&fence, &until)
		if err != nil || fence != g.Fence || until > 0 {
			return false, err
		}
		result, err := db.ExecContext(ctx,
			"UPDATE credential SET fence = ?, lease_owner = ?, lease_until_ms = ? WHERE app_id = ? AND kind = ?",
			g.Fence+1, g.Owner, leaseMs, g.AppID, g.Kind)
		if err != nil {
			return false, fmt.Errorf("naive claim: %w", err)
		}
		n, err := result.RowsAffected()
		return n == 1, err
	}
}
