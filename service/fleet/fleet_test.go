package fleet_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/fleet"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// at opens a store whose clock stands at ms.
func at(t *testing.T, path string, ms int64) *model.Store {
	t.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: path, NowMS: fmt.Sprint(ms)})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	_, err = store.MigrateUp(t.Context())
	must(t, err)
	return store
}

func replica(t *testing.T, store *model.Store, name, config string) *fleet.Fleet {
	t.Helper()
	f, err := fleet.New(fleet.Options{Store: store, Name: name, Version: "1.2.3", Config: config})
	must(t, err)
	return f
}

func TestReplicasKnowEachOther(t *testing.T) {
	t.Parallel()
	const start, second, minute = int64(1_800_000_000_000), int64(1000), int64(60_000)
	path := filepath.Join(t.TempDir(), "wxsign.db")
	for _, name := range []string{"b", "a", "c", "gone"} {
		config := "same"
		if name == "c" {
			config = "other"
		}
		replica(t, at(t, path, start), name, config).Beat(t.Context())
	}
	must(t, replica(t, at(t, path, start), "gone", "same").Leave(t.Context()))
	for _, c := range []struct {
		name  string
		later int64
		beat  string // who beats then
		want  []fleet.Replica
	}{
		{"at once", second, "", []fleet.Replica{{Name: "b", Self: true}, {Name: "a"}, {Name: "c", Differs: true}}},
		{"two beats missing", 30 * second, "b", []fleet.Replica{{Name: "b", Self: true}, {Name: "a"}, {Name: "c", Differs: true}}},
		{"silent", 36 * second, "b", []fleet.Replica{{Name: "b", Self: true}, {Name: "a", Lost: true}, {Name: "c", Lost: true, Differs: true}}},
		{"after a while", 16 * minute, "b", []fleet.Replica{{Name: "b", Self: true}}},
	} {
		store := at(t, path, start+c.later)
		self := replica(t, store, "b", "same")
		if c.beat != "" {
			replica(t, store, c.beat, "same").Beat(t.Context())
		}
		got, err := self.Replicas(t.Context())
		must(t, err)
		for i := range c.want {
			c.want[i].Version = "1.2.3"
		}
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(fleet.Replica{}, "Started", "Seen")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if started := got[0].Started.UnixMilli(); started != start {
			t.Errorf("%s: started at %d, want %d: a beat moved it", c.name, started, start)
		}
	}
	later := at(t, path, start+16*minute)
	must(t, replica(t, later, "b", "same").Purge(t.Context()))
	rows, _, err := later.Replicas(t.Context(), start, 10)
	must(t, err)
	if len(rows) != 1 || rows[0].Name != "b" {
		t.Errorf("after the purge: %+v", rows)
	}
}

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := fleet.New(fleet.Options{}); err == nil {
		t.Error("no error without a store")
	}
}
