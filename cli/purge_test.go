package cli_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

func TestServePurgesOldHistory(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "wxsign.db")
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: database})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := make([]model.History, 250)
	for i := range rows {
		rows[i] = model.History{AttemptID: strconv.Itoa(i), AtMs: int64(1 + i), AppID: "wxold", Kind: "jsapi", TriggerName: model.TriggerSchedule, Outcome: model.OutcomeRenewed}
	}
	if err := store.AddHistories(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil { // one program at a time
		t.Fatal(err)
	}
	p := begin(t, demoConfig, []string{"WXSIGN_DATABASE_DSN=" + database, "WXSIGN_HISTORY_PURGE=@every 1s"})
	if deleted := p.address("purged old history", "deleted"); deleted != "250" {
		t.Errorf("%s rows purged, want 250:\n%s", deleted, p.log.String())
	}
	left, err := modeltest.Connect(t, model.SQLite, database).HistoryOf(t.Context(), "wxold", 10)
	if len(left) > 0 || err != nil {
		t.Errorf("%d rows left, %v", len(left), err)
	}
}
