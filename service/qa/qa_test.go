package qa_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/qa"
)

var key = bytes.Repeat([]byte{7}, 32)

// shelf is a Store that remembers what it was given.
type shelf struct {
	rows []model.QAReport
	keep int
	err  error
}

func (s *shelf) AddQAReport(_ context.Context, r model.QAReport, keep int) error {
	s.rows, s.keep = append(s.rows, r), keep
	return s.err
}

// clock can be moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newDesk(t *testing.T) (*qa.Desk, *shelf, *clock) {
	t.Helper()
	store, clock := &shelf{}, &clock{now: time.Date(2026, 9, 17, 12, 0, 0, 0, time.UTC)}
	desk, err := qa.New(qa.Options{Store: store, Key: key, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return desk, store, clock
}

func good(desk *qa.Desk) qa.Report {
	return qa.Report{
		Nonce: desk.Nonce("wx1"), AppID: "wx1", Profile: "default", PageURL: "https://h5.example.com/demo/share",
		UserAgent: "MicroMessenger/8.0.49", Client: "ios", Verdict: qa.VerdictOK, Detail: `{"ms":12}`,
	}
}

func TestFileStoresTheReport(t *testing.T) {
	t.Parallel()
	desk, store, _ := newDesk(t)
	if err := desk.File(t.Context(), good(desk)); err != nil {
		t.Fatal(err)
	}
	want := []model.QAReport{{
		AppID: "wx1", Profile: "default", PageURL: "https://h5.example.com/demo/share",
		UserAgent: "MicroMessenger/8.0.49", Client: "ios", Verdict: "ok", Detail: `{"ms":12}`,
	}}
	if diff := cmp.Diff(want, store.rows); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if store.keep != qa.Keep {
		t.Errorf("keep = %d, want %d", store.keep, qa.Keep)
	}
}

func TestFileRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*qa.Report)
		want   error
	}{
		{"unknown verdict", func(r *qa.Report) { r.Verdict = "maybe" }, qa.ErrReportInvalid},
		{"no verdict", func(r *qa.Report) { r.Verdict = "" }, qa.ErrReportInvalid},
		{"no page", func(r *qa.Report) { r.PageURL = "" }, qa.ErrReportInvalid},
		{"no client", func(r *qa.Report) { r.Client = "" }, qa.ErrReportInvalid},
		{"long page", func(r *qa.Report) { r.PageURL = "https://" + strings.Repeat("a", 2048) }, qa.ErrReportInvalid},
		{"long detail", func(r *qa.Report) { r.Detail = strings.Repeat("a", 2049) }, qa.ErrReportInvalid},
		{"long profile", func(r *qa.Report) { r.Profile = strings.Repeat("a", 65) }, qa.ErrReportInvalid},
		{"long client", func(r *qa.Report) { r.Client = strings.Repeat("a", 28) }, qa.ErrReportInvalid},
		{"not UTF-8", func(r *qa.Report) { r.Detail = "\xff" }, qa.ErrReportInvalid},
		{"no nonce", func(r *qa.Report) { r.Nonce = "" }, qa.ErrNonceInvalid},
		{"not a nonce", func(r *qa.Report) { r.Nonce = "letmein" }, qa.ErrNonceInvalid},
		{"another account's nonce", func(r *qa.Report) { r.AppID = "wx2" }, qa.ErrNonceInvalid},
		{"changed nonce", func(r *qa.Report) { r.Nonce = "B" + r.Nonce[1:] }, qa.ErrNonceInvalid},
		{"line break in the nonce", func(r *qa.Report) { r.Nonce += "\n" }, qa.ErrNonceInvalid},
		{"nonce and more", func(r *qa.Report) { r.Nonce += "AA" }, qa.ErrNonceInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			desk, store, _ := newDesk(t)
			report := good(desk)
			tt.change(&report)
			if err := desk.File(t.Context(), report); !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
			if len(store.rows) != 0 {
				t.Error("a refused report was stored")
			}
		})
	}
}

// A page has no nonce: whose it is was found out before.
func TestFilePageNeedsNoNonce(t *testing.T) {
	t.Parallel()
	desk, store, _ := newDesk(t)
	report := good(desk)
	report.Nonce = ""
	if err := desk.FilePage(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	if len(store.rows) != 1 || store.rows[0].Client != "page ios" || store.keep != qa.Keep {
		t.Errorf("stored %+v, keep %d", store.rows, store.keep)
	}
	report.Verdict = "maybe"
	if err := desk.FilePage(t.Context(), report); !errors.Is(err, qa.ErrReportInvalid) || len(store.rows) != 1 {
		t.Errorf("an unknown verdict: %v", err)
	}
}

func TestNonceEndsAfterTenMinutes(t *testing.T) {
	t.Parallel()
	desk, _, clock := newDesk(t)
	report := good(desk)
	clock.now = clock.now.Add(qa.NonceLife - time.Second)
	if err := desk.File(t.Context(), report); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	clock.now = clock.now.Add(time.Second)
	if err := desk.File(t.Context(), report); !errors.Is(err, qa.ErrNonceInvalid) {
		t.Errorf("at the end: err = %v, want ErrNonceInvalid", err)
	}
}

func TestNonceOfAnotherReplicaCounts(t *testing.T) {
	t.Parallel()
	here, _, _ := newDesk(t)
	there, _, _ := newDesk(t)
	report := good(here)
	if err := there.File(t.Context(), report); err != nil {
		t.Errorf("same key: %v", err)
	}
	stranger, err := qa.New(qa.Options{Store: &shelf{}, Key: bytes.Repeat([]byte{8}, 32), Now: (&clock{now: time.Unix(0, 0)}).Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.File(t.Context(), report); !errors.Is(err, qa.ErrNonceInvalid) {
		t.Errorf("another key: err = %v, want ErrNonceInvalid", err)
	}
}

func TestLongUserAgentIsCutAtACharacter(t *testing.T) {
	t.Parallel()
	desk, store, _ := newDesk(t)
	report := good(desk)
	report.UserAgent = "\xff" + strings.Repeat("微", 200) // 3 bytes each; the stray byte becomes 3 more
	if err := desk.File(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	want := "�" + strings.Repeat("微", 169)
	if got := store.rows[0].UserAgent; got != want {
		t.Errorf("user agent has %d bytes, want %d: %q", len(got), len(want), got)
	}
}

func TestStoreErrorComesBack(t *testing.T) {
	t.Parallel()
	desk, store, _ := newDesk(t)
	store.err = errors.New("disk full")
	if err := desk.File(t.Context(), good(desk)); !errors.Is(err, store.err) {
		t.Errorf("err = %v, want it to wrap %v", err, store.err)
	}
}

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := qa.New(qa.Options{Key: key}); err == nil {
		t.Error("no store: want an error")
	}
	if _, err := qa.New(qa.Options{Store: &shelf{}, Key: key[:31]}); err == nil {
		t.Error("short key: want an error")
	}
}

func FuzzNonce(f *testing.F) {
	desk, err := qa.New(qa.Options{Store: &shelf{}, Key: key})
	if err != nil {
		f.Fatal(err)
	}
	genuine := desk.Nonce("wx1")
	f.Add(genuine, "wx2")
	f.Add("", "wx1")
	f.Add(genuine[:20], "wx1")
	f.Fuzz(func(t *testing.T, nonce, appID string) {
		if nonce == genuine && appID == "wx1" {
			return
		}
		report := qa.Report{Nonce: nonce, AppID: appID, PageURL: "https://a", Client: "ios", Verdict: qa.VerdictOK}
		if err := desk.File(t.Context(), report); !errors.Is(err, qa.ErrNonceInvalid) {
			t.Errorf("a made-up nonce was taken: %v", err)
		}
	})
}
