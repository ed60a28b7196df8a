package chaos_test

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
)

// call is a line of the simulator's ledger.
type call struct {
	Path   string `json:"path"`
	AppID  string `json:"app_id"`
	Effect bool   `json:"effect"`
	Force  bool   `json:"force"`
	Fault  string `json:"fault"`
	Issued []struct {
		Kind   string `json:"kind"`
		SHA256 string `json:"sha256"`
		Again  bool   `json:"again"`
	} `json:"issued"`
}

// place is one credential of one account.
type place struct{ appID, kind string }

func kindOf(path string) string {
	switch path {
	case "/cgi-bin/token", "/cgi-bin/stable_token":
		return "access_token"
	case "/cgi-bin/ticket/getticket":
		return "jsapi"
	}
	return "" // a probe
}

// calls reads the ledger.
func (c *cluster) calls() []call {
	c.t.Helper()
	var l struct {
		Calls []call `json:"calls"`
	}
	control(c.t, c.sim, http.MethodGet, "/_sim/ledger", nil, &l)
	return l.Calls
}

// account is what the books say of one credential.
type account struct {
	row   row
	past  []past
	calls []call
}

// isEvidence tells WeChat's word on a value that was published, which stands
// beside the attempt that published it, from an attempt.
func (a *account) isEvidence(h past) bool {
	return h.Outcome == "failed" && (h.Trigger == "probe" || h.Trigger == "report" &&
		slices.ContainsFunc(a.past, func(of past) bool { return of.Outcome == "renewed" && of.Fence == h.Fence && of.Version == h.Version }))
}

// books compare what WeChat saw with what the database says.
type books struct {
	byPlace map[place]*account
	// unwritten are attempts without a history row; their number is what is
	// known of them, since only publishes and calls leave another trace.
	unwritten []string
	newest    []string // those of them that publish what is stored: a survivor would find them
	faults    []string
}

func (c *cluster) books() *books {
	c.t.Helper()
	b := &books{byPlace: map[place]*account{}}
	rows, err := c.rows()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range rows {
		b.byPlace[place{r.AppID, r.Kind}] = &account{row: r}
	}
	for _, h := range c.history() {
		b.at(h.AppID, h.Kind).past = append(b.at(h.AppID, h.Kind).past, h)
	}
	for _, made := range c.calls() {
		if kind := kindOf(made.Path); kind != "" && made.AppID != "" {
			b.at(made.AppID, kind).calls = append(b.at(made.AppID, kind).calls, made)
		}
	}
	return b
}

func (b *books) at(appID, kind string) *account {
	if b.byPlace[place{appID, kind}] == nil {
		b.byPlace[place{appID, kind}] = &account{}
	}
	return b.byPlace[place{appID, kind}]
}

func (b *books) fault(at place, format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf("%s %s: ", at.appID, at.kind)+fmt.Sprintf(format, args...))
}

// sums are totals over all credentials.
type sums struct {
	calls, versions, unchanged, failed, attempts int
	dropped                                      int // values that WeChat issued and nobody published
}

func (s sums) String() string {
	return fmt.Sprintf("%d calls, %d versions, %d unchanged, %d failed, %d attempts, %d values issued in vain",
		s.calls, s.versions, s.unchanged, s.failed, s.attempts, s.dropped)
}

// audit holds what is true under every fault: one row per attempt, one publish
// per version, no fence given twice, every call and every value explained.
func (b *books) audit() (total sums) {
	for at, a := range b.byPlace {
		s := b.auditOne(at, a)
		total.calls += s.calls
		total.versions += s.versions
		total.unchanged += s.unchanged
		total.failed += s.failed
		total.attempts += s.attempts
		total.dropped += s.dropped
	}
	sort.Strings(b.faults)
	return total
}

func (b *books) auditOne(at place, a *account) sums {
	s := sums{versions: int(a.row.Version)}
	for _, made := range a.calls {
		if !made.Force { // a forced call follows a normal one in the same attempt
			s.calls++
		}
	}
	published, fences, prints := map[int64]int{}, map[int64]int{}, map[string]int{}
	for _, h := range a.past {
		if a.isEvidence(h) {
			continue
		}
		s.attempts++
		if h.Trigger != "recovery" { // who writes for a dead holder does not know its fence
			fences[h.Fence]++
		}
		prints[h.Fingerprint]++
		switch h.Outcome {
		case "renewed":
			published[h.Version]++
		case "unchanged":
			s.unchanged++
		default:
			s.failed++
		}
	}
	for version := int64(1); version <= a.row.Version; version++ {
		switch n := published[version]; {
		case n == 0:
			s.attempts++
			s.dropped-- // it is published, and no history row shows its value
			b.unwritten = append(b.unwritten, fmt.Sprintf("%s %s: version %d", at.appID, at.kind, version))
			if version == a.row.Version {
				b.newest = append(b.newest, b.unwritten[len(b.unwritten)-1])
			}
		case n > 1:
			b.fault(at, "version %d has %d history rows", version, n)
		}
	}
	for version := range published {
		if version > a.row.Version {
			b.fault(at, "history tells of version %d, the row is at %d", version, a.row.Version)
		}
	}
	for fence, n := range fences {
		if n > 1 {
			b.fault(at, "%d attempts with fence %d", n, fence)
		}
	}
	if s.attempts > int(a.row.Fence) {
		b.fault(at, "%d attempts and only %d claims", s.attempts, a.row.Fence)
	}
	b.explain(at, a, prints, &s)
	return s
}

// explain holds that each call belongs to an attempt and that each value is
// either published or lost in an attempt that failed.
func (b *books) explain(at place, a *account, prints map[string]int, s *sums) {
	for n := s.attempts; n < s.calls; n++ {
		b.unwritten = append(b.unwritten, fmt.Sprintf("%s %s: a call without an attempt", at.appID, at.kind))
	}
	for _, made := range a.calls {
		for _, v := range made.Issued {
			if !v.Again && prints[v.SHA256[:8]] == 0 {
				s.dropped++
			}
		}
	}
	if in := s.failed + max(0, s.calls-s.attempts); s.dropped > in {
		b.fault(at, "%d values were issued in vain and only %d attempts failed", s.dropped, in)
	}
}

// bookTime is how long history rows may be late where none may be missing.
const bookTime = 30 * time.Second

// holdBooks fails the test where the books do not agree. It waits for history
// rows that are missing; so many may be missing at the end.
func (c *cluster) holdBooks(limit time.Duration, missing int) sums {
	c.t.Helper()
	var first, b *books
	var total sums
	waitFor(limit, func() bool {
		b = c.books()
		total = b.audit()
		if first == nil {
			first = b
		}
		if len(b.faults)+len(b.unwritten) > 0 {
			time.Sleep(time.Second)
		}
		return len(b.faults)+len(b.unwritten) == 0
	})
	c.t.Logf("%s; %d history rows missing", total, len(b.unwritten))
	if len(b.faults) > 0 {
		c.t.Errorf("the books do not agree:\n%s", strings.Join(b.faults, "\n"))
	}
	if limit > survivorsTime {
		c.holdNewest(first, b, limit)
	}
	if len(b.unwritten) > missing {
		c.t.Errorf("%d attempts without a history row, want at most %d:\n%s", len(b.unwritten), missing, strings.Join(b.unwritten, "\n"))
	}
	return total
}

// survivorsTime is how long survivors take at most to see to the newest publish of
// a dead holder: they look once a minute, and then wait for the holder's own row.
const survivorsTime = 90 * time.Second

// holdNewest fails the test where the row of a publish stays missing that was what
// is stored when it was seen, at the begin of a wait or at its end. Credentials are
// renewed every minute here, so the newest publish at the end may be a moment old,
// and its holder just about to write: it gets the same time as the others had.
func (c *cluster) holdNewest(first, last *books, limit time.Duration) {
	c.t.Helper()
	late, young := last.stillMissing(first.newest), last.newest
	waitFor(limit, func() bool {
		now := c.books()
		now.audit()
		young = now.stillMissing(young)
		return len(young) == 0
	})
	if late = append(late, young...); len(late) > 0 {
		c.t.Errorf("nobody has written the history of %v in %s", late, limit)
	}
}

// stillMissing are those publishes whose rows are missing in these books, too.
func (b *books) stillMissing(publishes []string) (missing []string) {
	for _, p := range publishes {
		if slices.Contains(b.unwritten, p) {
			missing = append(missing, p)
		}
	}
	return missing
}

// mostOverdue is how late a due credential may be once its lease has ended.
const mostOverdue = 60 * time.Second

// holdNothingStuck fails the test where a row waits for nobody.
func (c *cluster) holdNothingStuck() {
	c.t.Helper()
	rows, err := c.rows()
	if err != nil {
		c.t.Fatal(err)
	}
	if len(rows) != 2*len(c.appIDs) {
		c.t.Errorf("%d credentials, want 2 for each of %d accounts", len(rows), len(c.appIDs))
	}
	for _, r := range rows {
		if r.overdue() > mostOverdue {
			c.t.Errorf("%s %s is stuck: nobody has worked on it for %s; owner %q", r.AppID, r.Kind, r.overdue(), r.Owner)
		}
	}
}
