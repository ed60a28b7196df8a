package chaos_test

import (
	"slices"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

// The primary refuses to write and then dies; the second server of the pair is
// promoted and the way of all replicas leads there. Nobody on a page notices,
// and nothing is called twice. Where the last publishes had not been copied,
// those who serve them put them back.
func TestFailOver(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*failOver){
		"in order":            (*failOver).inOrder,
		"last publishes lost": (*failOver).withLoss,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			size := sizeOf(t)
			f := &failOver{size: size, pair: modeltest.MariaDBPair(t)}
			f.cluster = newCluster(t, plan{nodes: []string{f.pair.DSN()}, replicas: 3, stable: 3, classic: 1, wechat: lasting()})
			f.start()
			probes := probe(t, f.truth, f.targets(), f.appIDs, 6, size.pause)
			f.nextPeriod()
			end(f)
			probes.end()
			probes.holdServed(t)
			f.holdNothingStuck()
			f.holdQuiet()
		})
	}
}

// lasting is eager with values that live for so long that none is due before the
// minutely look of those who serve lost ones: who does not, renews what is due.
func lasting() simulator.Options {
	const life = 15 * time.Minute
	return simulator.Options{CredentialLife: life, Overlap: life - young, TicketEarly: life - young}
}

// failOver is a cluster on the primary of a pair.
type failOver struct {
	*cluster
	size size
	pair *modeltest.Pair
}

// nextPeriod waits until WeChat has new values, see eager, renews everything and
// holds that all replicas serve it.
func (c *cluster) nextPeriod() {
	c.t.Helper()
	time.Sleep(2 * young)
	c.renewAll()
	if !waitFor(startTime, c.allServeStored) {
		c.t.Error("new tickets do not reach every replica")
	}
}

// inOrder is what an operator does who moves the primary: no more writes, let
// the second catch up, go there.
func (f *failOver) inOrder() {
	t := f.t
	t.Helper()
	time.Sleep(2 * young)
	for _, r := range f.mustRows() { // due when nothing can be written any more
		if err := f.nudgeIn(r.AppID, r.Kind, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	f.pair.ReadOnly(true)
	before, calls := f.mustRows(), len(f.calls())
	time.Sleep(f.size.readOnly)
	f.waitReadyz(`"database_read_only"`)
	if now := f.mustRows(); !slices.EqualFunc(before, now, func(a, b row) bool { return a.Version == b.Version && a.Fence == b.Fence }) {
		t.Errorf("rows of a read-only database change: %+v, then %+v", before, now)
	}
	if made := len(f.calls()) - calls; made != 0 {
		t.Errorf("%d calls while nothing can be claimed", made)
	}
	f.pair.CatchUp()
	f.promote()
	f.waitNewer(before)
	f.nextPeriod()
	f.holdOneCallEach(4)
}

// withLoss crashes a primary whose last publishes have not been copied.
func (f *failOver) withLoss() {
	t := f.t
	t.Helper()
	f.pair.CatchUp()
	f.pair.CutReplication()
	time.Sleep(2 * young)
	lost := []place{{f.appIDs[0], "jsapi"}, {f.appIDs[1], "access_token"}, {f.appIDs[3], "access_token"}} // the last is classic
	var published []row
	for _, at := range lost {
		before := f.row(at.appID, at.kind)
		if err := f.nudge(at.appID, at.kind); err != nil {
			t.Fatal(err)
		}
		if !waitFor(startTime, func() bool { return f.row(at.appID, at.kind).Version > before.Version }) {
			t.Fatalf("%+v is not renewed", at)
		}
		published = append(published, f.row(at.appID, at.kind))
	}
	if !waitFor(startTime, func() bool { return f.servesAll(published[0]) }) {
		t.Error("the new ticket does not reach every replica")
	}
	f.promote()
	for _, was := range published {
		if !waitFor(startTime, func() bool { return f.row(was.AppID, was.Kind).Hash == was.Hash }) {
			t.Errorf("lost and not put back: %+v; the row is %+v", was, f.row(was.AppID, was.Kind))
		}
	}
	f.nextPeriod()
	// Rows of history were lost with the publishes.
	total := f.holdBooks(f.size.bookTime, len(lost))
	if total.calls != total.versions {
		t.Errorf("%s; want as many calls as versions: nothing is called twice", total)
	}
}

// promote leads everybody to the second server.
func (f *failOver) promote() {
	f.t.Helper()
	f.pair.Promote()
	f.db = open(f.t, f.pair.SecondDSN())
	for _, r := range f.replicas {
		r.db.Retarget(f.pair.SecondAddr())
	}
}

// servesAll reports whether every replica signs with the ticket of the row.
func (c *cluster) servesAll(of row) bool {
	return !slices.ContainsFunc(c.replicas, func(r *replica) bool { return c.servedBy(r, of.AppID) != of.Hash })
}
