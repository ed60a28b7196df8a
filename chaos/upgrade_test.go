package chaos_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// olderCommits are programs of the history that are replaced by this tree's: the
// one before most tables were there, with a schema that ends at 0009, and the one
// before this round of work.
var olderCommits = [...]string{"8680fe92902dcd6595e232fca359d7d9b01d7385", "1304ab9c97e38f4dcc4a54de2b0bef56037bfbe2"}

// An older program finds a schema that a newer one has made: it says so and
// ends, and those who serve serve on. Here this tree's program is the older one
// and the schema is of a version that does not exist yet; TestUpgrade in full
// size has a real older program.
func TestOlderProgramIsRefused(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: 2, stable: 2, wechat: eager()})
	c.start()
	probes := probe(t, c.truth, c.targets(), c.appIDs, 2, size.pause)
	if _, err := c.db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	c.holdRefused(binary)
	time.Sleep(2 * young)
	c.renewAll()
	probes.end()
	probes.holdServed(t)
	c.holdBooks(bookTime, 0)
	c.holdQuiet()
}

// Three replicas of the older release are replaced one after the other: the
// first newcomer brings the schema up to date while the others serve on; mixed,
// they keep sharing the calls; and whoever then starts the old program again is
// told. It needs the repository's history.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	if !size.full {
		return // programs to build; TestOlderProgramIsRefused is the short form
	}
	for _, commit := range olderCommits {
		t.Run(commit[:7], func(t *testing.T) {
			t.Parallel()
			upgrade(t, size, buildOlder(t, commit))
		})
	}
}

func upgrade(t *testing.T, size size, older string) {
	t.Helper()
	c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: 4, classic: 1, wechat: eager()})
	for _, r := range c.replicas {
		r.program = older
	}
	c.start()
	schema := c.schema()
	for i, r := range c.replicas {
		others := append(append([]target(nil), c.targets()[:i]...), c.targets()[i+1:]...)
		probes := probe(t, c.truth, others, c.appIDs, 6, size.pause)
		time.Sleep(2 * young)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		r.program = binary
		r.start()
		if !waitFor(startTime, func() bool { return r.base() != "" && c.signsAll(r) }) {
			t.Fatalf("%s does not come back:\n%s", r.name, r.log.tail(20))
		}
		c.renewAll() // by old and new, side by side
		probes.end()
		probes.holdServed(t)
	}
	total := c.holdBooks(bookTime, 0)
	if total.calls != total.versions || total.failed != 0 || total.attempts != total.versions {
		t.Errorf("%s; want as many calls and attempts as versions", total)
	}
	now := c.schema()
	t.Logf("schema %d, then %d; %s", schema, now, total)
	if now < schema {
		t.Errorf("schema %d after %d", now, schema)
	}
	if now == schema { // then the older program may come back
		c.holdNothingStuck()
		c.holdQuiet()
		return
	}
	probes := probe(t, c.truth, c.targets(), c.appIDs, 6, size.pause)
	c.holdRefused(older)
	probes.end()
	probes.holdServed(t)
	c.holdNothingStuck()
	c.holdQuiet()
}

// holdRefused holds that a program that is too old for the schema ends, says
// why and what to do, and changes nothing of it.
func (c *cluster) holdRefused(program string) {
	c.t.Helper()
	before := c.schema()
	_, said, err := c.command(program, "serve")
	if err == nil || !strings.Contains(said, "newer than this wxsign knows: run the newer version") {
		c.t.Errorf("a program that is too old: %v\n%s", err, said)
	}
	if now := c.schema(); now != before {
		c.t.Errorf("it changed the schema from %d to %d", before, now)
	}
}

// schema is the newest version of the schema that was applied.
func (c *cluster) schema() (version int) {
	c.t.Helper()
	if err := c.db.QueryRowContext(c.t.Context(), "SELECT MAX(version_id) FROM goose_db_version").Scan(&version); err != nil {
		c.t.Fatal(err)
	}
	return version
}

// holdServed is holdValid, and that nobody was left without an answer.
func (p *prober) holdServed(t *testing.T) {
	t.Helper()
	p.holdValid(t)
	if p.notReady.Load()+p.unreached.Load() > 0 {
		t.Errorf("%s; want every request answered", p.summary())
	}
}

// buildOlder builds the program of an older commit from the history.
func buildOlder(t *testing.T, commit string) string {
	t.Helper()
	dir := t.TempDir()
	archive := exec.CommandContext(t.Context(), "git", "archive", "--format=tar", commit)
	archive.Dir = ".." // or it would be this folder's alone
	var tree, said bytes.Buffer
	archive.Stdout, archive.Stderr = &tree, &said
	if err := archive.Run(); err != nil {
		t.Fatalf("commit %.7s of the history is needed; in a shallow clone say `git fetch --unshallow`: %v\n%s", commit, err, &said)
	}
	unpack := exec.CommandContext(t.Context(), "tar", "-x", "-C", dir)
	unpack.Stdin = &tree
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v\n%s", err, out)
	}
	older := filepath.Join(dir, "wxsign-older")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=nomsgpack", "-o", older, ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the older program: %v\n%s", err, out)
	}
	return older
}
