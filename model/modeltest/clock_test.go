package modeltest_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// aheadOf is how far the server's clock is ahead of this machine's, to the
// second, and as everything in it sees that.
func aheadOf(t testing.TB, db *sql.DB) time.Duration {
	t.Helper()
	var now, sysdate float64
	if err := db.QueryRowContext(t.Context(), "SELECT UNIX_TIMESTAMP(NOW(6)), UNIX_TIMESTAMP(SYSDATE(6))").Scan(&now, &sysdate); err != nil {
		t.Fatal(err)
	}
	if sysdate-now > 10 || sysdate < now {
		t.Errorf("NOW says %f, SYSDATE %f", now, sysdate)
	}
	return time.Until(time.UnixMicro(int64(now * 1e6)))
}

func TestClockOfItsOwn(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock(t, -time.Hour)
	db := open(t, modeltest.MariaDBServerBy(t, clock).DSN())
	for _, ahead := range []time.Duration{-time.Hour, 10 * time.Minute, -10 * time.Minute, time.Hour, 0} {
		clock.Set(ahead)
		if off := aheadOf(t, db) - ahead; off > time.Second || off < -10*time.Second {
			t.Errorf("set %s ahead, it is %s more", ahead, off)
		}
	}
}
