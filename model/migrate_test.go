package model_test

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxsign/wxsign/migrations"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// known lists the migrations of a dialect, oldest first.
func known(t *testing.T, driver string) []string {
	t.Helper()
	files, err := fs.Glob(migrations.FS, driver+"/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("migrations of %s: %v, %v", driver, files, err)
	}
	return files
}

// undoLast takes the last migration back.
func undoLast(t *testing.T, e modeltest.Engine, dsn string) (file string) {
	t.Helper()
	files := known(t, e.Driver)
	file = files[len(files)-1]
	text, err := fs.ReadFile(migrations.FS, file)
	if err != nil {
		t.Fatal(err)
	}
	_, down, found := strings.Cut(string(text), "-- +goose Down\n")
	if !found {
		t.Fatalf("%s has no way down", file)
	}
	db := raw(t, e.Driver, dsn)
	exec(t, db, down)
	exec(t, db, "DELETE FROM goose_db_version WHERE version_id = ?", len(files))
	return file
}

func TestReplicasMigrateAnEmptyDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	dsn := modeltest.MariaDB(t)
	var applied atomic.Int32
	var replicas sync.WaitGroup
	start := make(chan struct{})
	stores := make([]*model.Store, 6)
	for i := range stores {
		stores[i] = modeltest.Connect(t, model.MySQL, dsn)
		replicas.Go(func() {
			<-start
			done, err := stores[i].MigrateUp(t.Context())
			if err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
			applied.Add(int32(len(done)))
		})
	}
	close(start)
	replicas.Wait()
	if steps := len(known(t, model.MySQL)); int(applied.Load()) != steps {
		t.Errorf("%d steps were applied by all replicas together, want %d", applied.Load(), steps)
	}
	for i, s := range stores {
		if err := s.CheckSchema(t.Context()); err != nil {
			t.Errorf("replica %d: %v", i, err)
		}
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			for name, test := range map[string]func(*testing.T, modeltest.Engine){
				"an empty database, twice": migrateTwice,
				"a newer schema":           migrateNewer,
				"an older schema":          migrateOlder,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, engine)
				})
			}
		})
	}
}

func migrateTwice(t *testing.T, e modeltest.Engine) {
	t.Helper()
	store, steps := modeltest.Connect(t, e.Driver, e.Empty(t)[0]), len(known(t, e.Driver))
	if err := store.CheckSchema(t.Context()); !errors.Is(err, model.ErrSchemaOlder) {
		t.Errorf("empty: %v, want ErrSchemaOlder", err)
	}
	pending, err := store.MigrateStatus(t.Context())
	if err != nil || len(pending) != steps || !pending[0].Applied.IsZero() {
		t.Errorf("empty: %v, %v; want %d steps, none applied", pending, err, steps)
	}
	first, err := store.MigrateUp(t.Context())
	if err != nil || len(first) != steps || first[0].Name != "account" || first[1].Version != 2 {
		t.Errorf("first: %v, %v", first, err)
	}
	second, err := store.MigrateUp(t.Context())
	if err != nil || len(second) != 0 {
		t.Errorf("second: %v, %v; want nothing to do", second, err)
	}
	done, err := store.MigrateStatus(t.Context())
	if err != nil || len(done) != steps {
		t.Fatalf("after: %v, %v", done, err)
	}
	for _, m := range done {
		if time.Since(m.Applied).Abs() > time.Minute {
			t.Errorf("%s applied at %s: wrong time zone?", m.Name, m.Applied)
		}
	}
}

func migrateNewer(t *testing.T, e modeltest.Engine) {
	t.Helper()
	store, dsn := migrated(t, e)
	exec(t, raw(t, e.Driver, dsn), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	_, up := store.MigrateUp(t.Context())
	_, status := store.MigrateStatus(t.Context())
	for name, err := range map[string]error{"up": up, "status": status, "check": store.CheckSchema(t.Context())} {
		if !errors.Is(err, model.ErrSchemaNewer) {
			t.Errorf("%s: %v, want ErrSchemaNewer", name, err)
		}
	}
}

func migrateOlder(t *testing.T, e modeltest.Engine) {
	t.Helper()
	store, dsn := migrated(t, e)
	last := undoLast(t, e, dsn)
	if err := store.CheckSchema(t.Context()); !errors.Is(err, model.ErrSchemaOlder) {
		t.Errorf("check: %v, want ErrSchemaOlder", err)
	}
	done, err := store.MigrateUp(t.Context())
	if err != nil || len(done) != 1 || !strings.HasSuffix(last, "_"+done[0].Name+".sql") {
		t.Errorf("up: %v, %v; want the last step", done, err)
	}
	if err := store.CheckSchema(t.Context()); err != nil {
		t.Errorf("check after: %v", err)
	}
}

// Regression: goose makes its table and the first row in two steps on MySQL, and
// after a crash between them no start succeeded.
func TestMigrateAfterACrashInTheVeryFirstStep(t *testing.T) {
	t.Parallel()
	dsn := modeltest.MariaDB(t)
	store := modeltest.Connect(t, model.MySQL, dsn)
	if err := store.CheckSchema(t.Context()); !errors.Is(err, model.ErrSchemaOlder) {
		t.Fatal(err)
	}
	exec(t, raw(t, model.MySQL, dsn), "DELETE FROM goose_db_version")
	steps := len(known(t, model.MySQL))
	if done, err := store.MigrateUp(t.Context()); err != nil || len(done) != steps {
		t.Errorf("%v, %v; want %d steps", done, err, steps)
	}
}

// A migration that was killed leaves its lock behind; a start that has nothing
// to migrate must not wait for it.
func TestLeftMigrationLockDelaysNobody(t *testing.T) {
	t.Parallel()
	mariadb := modeltest.Engines()[1]
	store, dsn := migrated(t, mariadb)
	db := raw(t, model.MySQL, dsn)
	exec(t, db, `INSERT INTO wxsign_migration_lock (lock_id, locked, locked_at, locked_by, lease_expires_at)
VALUES (4097083626, TRUE, NOW(), 'killed', NOW() + INTERVAL 1 DAY)
ON DUPLICATE KEY UPDATE locked = TRUE, locked_by = 'killed', lease_expires_at = NOW() + INTERVAL 1 DAY`)
	begin := time.Now()
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	// The lock is a real one: with something to migrate it is waited for.
	undoLast(t, mariadb, dsn)
	waiting := make(chan error, 1)
	go func() { _, err := store.MigrateUp(t.Context()); waiting <- err }()
	select {
	case err := <-waiting:
		t.Fatalf("with something to migrate it did not wait for the lock: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	exec(t, db, "DELETE FROM wxsign_migration_lock")
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}
