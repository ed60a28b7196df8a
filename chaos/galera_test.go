package chaos_test

import (
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// The same storm with replicas on all nodes of a Galera cluster, each of which
// takes writes and one of which goes and comes back. In full size there are three
// nodes, so that it may also crash or lose its way to the others: of two nodes,
// the one that is left by a crash answers nobody.
func TestStormOnGalera(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	l := &leaver{node: 1, ways: 1}
	if size.full {
		l.node, l.ways = 2, 3
	}
	l.cluster = modeltest.Galera(t, l.node+1)
	runStorm(t, size, l, l.cluster.Engine().Empty(t))
	t.Logf("the node left, crashed and lost its way in turns, %d times in all", l.times)
}

// leaver is the last node, which goes in several ways in turn.
type leaver struct {
	cluster           *modeltest.GaleraCluster
	node, ways, times int
}

const (
	inOrder = iota
	byCrash
	lost
)

func (l *leaver) Kill() {
	switch l.times % l.ways {
	case inOrder:
		l.cluster.Stop(l.node)
	case byCrash:
		l.cluster.Kill(l.node)
	case lost:
		l.cluster.Isolate(l.node, true)
	}
	l.times++
}

func (l *leaver) Start() {
	if (l.times-1)%l.ways == lost {
		l.cluster.Isolate(l.node, false)
		return
	}
	l.cluster.Start(l.node)
}

// What every engine is held to, and the race for one row, with stores on both
// nodes: the loser of two writes at once is told by a conflict at its commit.
func TestEngineGalera(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	engine := modeltest.Galera(t, 2).Engine()
	t.Run("conformance", func(t *testing.T) {
		t.Parallel()
		modeltest.Conformance(t, func(t testing.TB) *model.Store {
			t.Helper()
			return modeltest.Open(t, engine)
		})
	})
	t.Run("race", func(t *testing.T) {
		t.Parallel()
		stores := modeltest.Replicas(t, engine, 4)
		appID := oneAccount(t, stores)
		var contenders []modeltest.Contender
		for i := range 8 {
			contenders = append(contenders, modeltest.Contender{Store: stores[i%len(stores)]})
		}
		o := modeltest.Race(t, contenders, appID, size.fences)
		t.Logf("%+v", o)
		if o.Double != 0 || o.Lost+o.Retry == 0 {
			t.Errorf("%+v; want none won twice, and some lost", o)
		}
	})
}

// oneAccount makes an account and waits until every node has it.
func oneAccount(t *testing.T, stores []*model.Store) (appID string) {
	t.Helper()
	a := model.Account{
		AppID: "wxrace", Name: "race", Platform: "official_account", Origin: model.OriginFile, Enabled: true,
		SecretEnc: []byte{1}, KeyID: "0badcafe", TokenMode: "stable",
	}
	if err := stores[0].InsertAccount(t.Context(), a, []string{"access_token"}); err != nil {
		t.Fatal(err)
	}
	for _, s := range stores {
		var err error
		if !waitFor(takeOver, func() bool { _, err = s.Tended(t.Context(), a.AppID); return err == nil }) {
			t.Fatal(err)
		}
	}
	return a.AppID
}
