package snapshotfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshotfile"
)

// All comes back as it was, and ends two seconds early where the machine was not
// started anew.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		want := content(t, time.Hour, 2*time.Hour)
		w.write(t, want)
		time.Sleep(10 * time.Minute)
		got := w.read(t)
		for i := range want.Served[0].Credentials {
			c := &want.Served[0].Credentials[i]
			c.Deadline = c.Deadline.Add(-2 * time.Second)
		}
		want.Keys[0].End = want.Keys[0].End.Add(-2 * time.Second)
		want.Written = time.Now().Add(-10 * time.Minute)
		equal := cmp.Options{
			cmp.Comparer(func(a, b secret.Secret) bool { return a.Equal(b) }),
			cmp.Comparer(func(a, b pageurl.Pattern) bool { return a.String() == b.String() }),
			cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
			cmpopts.EquateEmpty(),
		}
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Error(diff)
		}
		if got.Values() != 2 {
			t.Errorf("%d values", got.Values())
		}
	})
}

// What has ended while nobody was there is not served, whatever the clocks say
// that can be set.
func TestAgeOfTheFile(t *testing.T) {
	t.Parallel()
	const token, ticket = time.Hour, 2 * time.Hour
	none, both, one := "", "access_token jsapi", "jsapi"
	for name, row := range map[string]struct {
		away   time.Duration
		happen func(*machine)
		want   string // kinds; "clock" = ErrClock
	}{
		"at once":                        {0, nil, both},
		"an hour but a little":           {time.Hour - 5*time.Second, nil, both},
		"within the margin":              {time.Hour - time.Second, nil, one},
		"longer than the token":          {time.Hour + time.Minute, nil, one},
		"longer than all":                {3 * time.Hour, nil, none},
		"clock set back":                 {90 * time.Minute, func(m *machine) { m.wallOff = -80 * time.Minute }, one},
		"clock set back before the file": {90 * time.Minute, func(m *machine) { m.wallOff = -24 * time.Hour }, one},
		"clock set ahead":                {time.Minute, func(m *machine) { m.wallOff = 90 * time.Minute }, one},
		"uptime stood still":             {90 * time.Minute, func(m *machine) { m.booted = m.booted.Add(90 * time.Minute) }, one},
		"uptime went back":               {time.Minute, func(m *machine) { m.booted = m.booted.Add(time.Hour) }, "clock"},
		"started anew":                   {10 * time.Minute, func(m *machine) { m.boots++ }, both},
		"started anew, near the end":     {56 * time.Minute, func(m *machine) { m.boots++ }, one},
		"started anew, clock behind":     {10 * time.Minute, func(m *machine) { m.boots, m.wallOff = 1, -time.Hour }, "clock"},
		"started anew, clock not kept":   {10 * time.Minute, func(m *machine) { m.boots, m.unsynced = 1, true }, "clock"},
		"no Linux":                       {time.Minute, func(m *machine) { m.unknown = true }, "clock"},
		"not kept, but the same boot":    {time.Minute, func(m *machine) { m.unsynced = true }, both},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.write(t, content(t, token, ticket))
				time.Sleep(row.away)
				if row.happen != nil {
					w.set(func() { row.happen(w.machine) })
				}
				c, err := w.file.Read()
				got := strings.Join(kinds(&c), " ")
				if errors.Is(err, snapshotfile.ErrClock) {
					got = "clock"
				} else if err != nil {
					t.Fatal(err)
				}
				if got != row.want {
					t.Errorf("%q is served, want %q (%v)", got, row.want, err)
				}
			})
		})
	}
}

// A value ends in the process that read it when it would have ended in the one
// that wrote it, and not a moment later.
func TestValuesEndOnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		begin := time.Now()
		w.write(t, content(t, time.Hour, time.Hour))
		time.Sleep(50 * time.Minute)
		c := w.read(t)
		ticket := c.Served[0].Credentials[1]
		time.Sleep(time.Hour - 3*time.Second - time.Since(begin))
		if !ticket.Live(time.Now()) {
			t.Error("it ended earlier than it had to")
		}
		time.Sleep(3 * time.Second)
		if ticket.Live(time.Now()) {
			t.Error("it outlives its end")
		}
	})
}

// A file that is not just as it was written is refused, and the log can say what
// to do about it.
func TestUselessFiles(t *testing.T) {
	t.Parallel()
	rewrite := func(t *testing.T, w *world, change func([]byte) []byte) {
		t.Helper()
		raw, err := os.ReadFile(w.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.path, change(bytes.Clone(raw)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change := func(f func([]byte) []byte) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { t.Helper(); rewrite(t, w, f) }
	}
	for name, row := range map[string]struct {
		harm func(*testing.T, *world)
		want error
		mend string
	}{
		"none":         {func(t *testing.T, w *world) { t.Helper(); remove(t, w.path) }, snapshotfile.ErrMissing, "database.snapshot_file"},
		"empty":        {change(func([]byte) []byte { return nil }), snapshotfile.ErrDamaged, "remove it"},
		"cut":          {change(func(raw []byte) []byte { return raw[:len(raw)/2] }), snapshotfile.ErrDamaged, "remove it"},
		"its line":     {change(func(raw []byte) []byte { return raw[:18] }), snapshotfile.ErrDamaged, "remove it"},
		"no line":      {change(func(raw []byte) []byte { return raw[18:] }), snapshotfile.ErrDamaged, "remove it"},
		"with a tail":  {change(func(raw []byte) []byte { return append(raw, 0) }), snapshotfile.ErrDamaged, "remove it"},
		"form 0":       {change(func(raw []byte) []byte { return bytes.Replace(raw, []byte(" 1\n"), []byte(" 0\n"), 1) }), snapshotfile.ErrDamaged, "remove it"},
		"a newer form": {change(func(raw []byte) []byte { return bytes.Replace(raw, []byte(" 1\n"), []byte(" 2\n"), 1) }), snapshotfile.ErrNewer, "start the newer wxsign"},
		"another key":  {func(t *testing.T, w *world) { t.Helper(); w.file = w.sealedBy(t, 9) }, snapshotfile.ErrOtherKey, "security.master_key takes several"},
		"for all to read": {func(t *testing.T, w *world) {
			t.Helper()
			if err := os.Chmod(w.path, 0o644); err != nil {
				t.Fatal(err)
			}
		}, snapshotfile.ErrOpenToOthers, "chmod 600"},
		"a folder": {func(t *testing.T, w *world) {
			t.Helper()
			remove(t, w.path)
			if err := os.Mkdir(w.path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, snapshotfile.ErrDamaged, "remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.write(t, content(t, time.Hour, time.Hour))
			row.harm(t, w)
			c, err := w.file.Read()
			if !errors.Is(err, row.want) || c.Values() != 0 {
				t.Errorf("%d values, %v; want %v", c.Values(), err, row.want)
			}
			if mend := snapshotfile.Mend(err); !strings.Contains(mend, row.mend) {
				t.Errorf("the mend is %q", mend)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// No byte of a file can be changed unnoticed.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(t, content(t, time.Hour, time.Hour))
	raw, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] ^= 1
		if c, err := snapshotfile.Decode(raw, w.now(), ring(t, 1)); err == nil {
			t.Errorf("byte %d of %d was changed, and %d values came out", i, len(raw), c.Values())
		}
		raw[i] ^= 1
	}
}

// After a rotation the file of before opens as long as the old key is there.
func TestRotatedKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(t, content(t, time.Hour, time.Hour))
	if c, err := w.sealedBy(t, 2, 1).Read(); err != nil || c.Values() != 2 {
		t.Errorf("%d values, %v", c.Values(), err)
	}
}

// Nobody who finds the file learns a value, and nobody else may read it.
func TestNothingInClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(t, content(t, time.Hour, time.Hour))
	raw, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{canary, "wx1", "example.com", "till"} {
		if bytes.Contains(raw, []byte(word)) {
			t.Errorf("%q stands in the file", word)
		}
	}
	if info, err := os.Stat(w.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	c := w.read(t)
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, canary) {
		t.Error("the content can be printed")
	}
}

// A file that cannot be written leaves the one of before as it is.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f, err := snapshotfile.New(snapshotfile.Options{Path: w.path + "/in/no/folder", Keyring: ring(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c := content(t, time.Hour, time.Hour)
	if err := f.Write(snapshotfile.Now(), &c); err == nil {
		t.Error("written into a folder that is not there")
	}
}

// The machine of the test is a real one: its clocks tell something.
func TestThisMachine(t *testing.T) {
	t.Parallel()
	f, err := snapshotfile.New(snapshotfile.Options{Path: newWorld(t).path, Keyring: ring(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c := content(t, time.Hour, time.Hour)
	if err := f.Write(snapshotfile.Now(), &c); err != nil {
		t.Fatal(err)
	}
	read, err := f.Read()
	if snapshotfile.Now().Boot == "" {
		if !errors.Is(err, snapshotfile.ErrClock) {
			t.Errorf("no clock to trust, and %v", err)
		}
		return
	}
	if err != nil || read.Values() != 2 {
		t.Errorf("%d values, %v", read.Values(), err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]snapshotfile.Options{"no path": {Keyring: ring(t, 1)}, "no key": {Path: "x"}} {
		if _, err := snapshotfile.New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := snapshotfile.NewWriter(snapshotfile.WriterOptions{}); err == nil {
		t.Error("a writer of nothing")
	}
}

// Whatever stands in a file: an error that quotes nothing, or what was sealed.
func FuzzDecode(f *testing.F) {
	w := newWorld(f)
	w.write(f, content(f, time.Hour, time.Hour))
	raw, err := os.ReadFile(w.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:40])
	f.Add([]byte("wxsign snapshot 99999999999999999999\n"))
	f.Add([]byte("wxsign snapshot -1\n"))
	f.Add([]byte("wxsign snapshot 1\n"))
	f.Add([]byte{})
	keys, at := ring(f, 1), w.now()
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := snapshotfile.Decode(text, at, keys)
		// Workers of the fuzzer seal the seed anew, so it is known by what it holds.
		if err == nil && (c.Values() > 2 || len(c.Served) != 1 || c.Served[0].Account.AppID != "wx1") {
			t.Fatalf("%d values out of another file", c.Values())
		}
		if err != nil && c.Served != nil {
			t.Fatal("values with an error")
		}
	})
}
