package keeper_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	epoch  = int64(1_800_000_000_000) // some instant
)

func TestMargin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind string
		mode wechat.Mode
		life int64
		want int64
	}{
		"stable token":              {snapshot.KindAccessToken, wechat.Stable, 2 * hour, 290 * second},
		"classic token":             {snapshot.KindAccessToken, wechat.Classic, 2 * hour, 15 * minute},
		"ticket, whatever the mode": {snapshot.KindJSAPI, wechat.Classic, 2 * hour, 290 * second},
		"classic, short life":       {snapshot.KindAccessToken, wechat.Classic, 20 * minute, 10 * minute},
		"life of 120 s":             {snapshot.KindJSAPI, wechat.Stable, 120 * second, minute},
		"life of 1 s":               {snapshot.KindAccessToken, wechat.Stable, second, second / 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keeper.Margin(keeper.DefaultTiming(), c.kind, c.mode, c.life); got != c.want {
				t.Errorf("margin %d ms, want %d", got, c.want)
			}
		})
	}
}

// Accounts that were made in one batch must not stay in step, and none may
// leave the time in which WeChat has something to give.
func TestRenewAtIsSpread(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind        string
		mode        wechat.Mode
		life        int64
		first, last int64 // before the end
	}{
		"classic":       {snapshot.KindAccessToken, wechat.Classic, 2 * hour, 17 * minute, 15 * minute},
		"stable":        {snapshot.KindAccessToken, wechat.Stable, 2 * hour, 290 * second, 270 * second},
		"ticket":        {snapshot.KindJSAPI, wechat.Stable, 2 * hour, 290 * second, 270 * second},
		"classic 120 s": {snapshot.KindAccessToken, wechat.Classic, 120 * second, 75 * second, 60 * second},
		"stable 120 s":  {snapshot.KindAccessToken, wechat.Stable, 120 * second, 60 * second, 45 * second},
		"life of 1 s":   {snapshot.KindAccessToken, wechat.Classic, second, second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := epoch + c.life
			earliest, latest := end, int64(0)
			for range 2000 {
				at := keeper.RenewAt(keeper.DefaultTiming(), c.kind, c.mode, end, c.life)
				earliest, latest = min(earliest, at), max(latest, at)
			}
			if earliest < end-c.first || latest > end-c.last {
				t.Errorf("renewed %d to %d ms before the end, want %d to %d", end-earliest, end-latest, c.first, c.last)
			}
			if spread := latest - earliest; spread < (c.first-c.last)*8/10 && c.life > minute {
				t.Errorf("spread over %d ms only", spread)
			}
		})
	}
}

// asked is a row that notes an attempt whose outcome nobody knows.
func asked(row *model.Credential, atMs int64) *model.Credential {
	row.AskedMs = atMs
	return row
}

// doubted is a ticket that may live on for so long after the end that is told.
func doubted(row *model.Credential, ms int64) *model.Credential {
	row.IssuedMs, row.LongestLifeMs = row.ExpiresMs-2*hour+ms, 2*hour
	return row
}

// A row whose value ends at epoch.
func ending(kind, hash string, birthKnown bool) *model.Credential {
	return &model.Credential{
		Kind: kind, Version: 7, ValueHash: hash, IssuedMs: epoch - 2*hour, ExpiresMs: epoch,
		LongestLifeMs: 2 * hour, BirthKnown: birthKnown,
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	ticket, token := snapshot.KindJSAPI, snapshot.KindAccessToken
	empty := &model.Credential{Kind: ticket}
	answer := func(hash string, at int64) keeper.Received { return keeper.NewReceived(hash, 2*hour, at, at+200) }
	// next is checked on its own: between these, both included.
	for name, c := range map[string]struct {
		row           *model.Credential
		mode          wechat.Mode
		answer        keeper.Received
		want          keeper.Verdict
		first, latest int64
	}{
		"new token: 2 s less": {
			ending(token, "a", true), wechat.Stable, answer("b", epoch-280*second),
			keeper.NewVerdict(true, epoch-280*second+2*hour-2*second, 0, true), epoch + 2*hour - 572*second, epoch + 2*hour - 552*second,
		},
		"first token": {
			&model.Credential{Kind: token}, wechat.Classic, answer("b", epoch),
			keeper.NewVerdict(true, epoch+2*hour-2*second, 0, true), epoch + 2*hour - 17*minute - 2*second, epoch + 2*hour - 15*minute - 2*second,
		},
		"new ticket: its full life": {
			ending(ticket, "a", true), wechat.Stable, answer("b", epoch-280*second),
			keeper.NewVerdict(true, epoch-280*second+2*hour, 0, true), epoch + 2*hour - 570*second, epoch + 2*hour - 550*second,
		},
		"first ticket: nobody saw its birth": {
			empty, wechat.Stable, answer("b", epoch),
			keeper.NewVerdict(true, epoch+2*hour, 0, false), epoch + 5*minute, epoch + 5*minute + 200,
		},
		"other ticket just after the end": {
			ending(ticket, "a", true), wechat.Stable, answer("b", epoch+4*minute),
			keeper.NewVerdict(true, epoch+4*minute+2*hour, 0, true), epoch + 2*hour - 50*second, epoch + 2*hour - 30*second,
		},
		"other ticket long after the end: nobody saw its birth": {
			ending(ticket, "a", true), wechat.Stable, answer("b", epoch+hour),
			keeper.NewVerdict(true, epoch+3*hour, 0, false), epoch + hour + 5*minute, epoch + hour + 5*minute + 200,
		},
		"new ticket, an answer lost 20 s before: as old as that": {
			asked(ending(ticket, "a", true), epoch), wechat.Stable, answer("b", epoch+20*second),
			keeper.NewVerdict(true, epoch+2*hour, 0, true), epoch + 2*hour - 290*second, epoch + 2*hour - 270*second,
		},
		"new token, an answer lost before: WeChat tells its end": {
			asked(ending(token, "a", true), epoch-300*second), wechat.Stable, answer("b", epoch-280*second),
			keeper.NewVerdict(true, epoch-280*second+2*hour-2*second, 0, true), epoch + 2*hour - 572*second, epoch + 2*hour - 552*second,
		},
		"new ticket, an answer lost 6 min before: nobody saw its birth": {
			asked(ending(ticket, "a", true), epoch-2*minute), wechat.Stable, answer("b", epoch+4*minute),
			keeper.NewVerdict(true, epoch+4*minute+2*hour, 0, false), epoch + 9*minute, epoch + 9*minute + 200,
		},
		"new ticket, a note of before the last publish": {
			asked(ending(ticket, "a", true), epoch-3*hour), wechat.Stable, answer("b", epoch+20*second),
			keeper.NewVerdict(true, epoch+20*second+2*hour, 0, true), epoch + 2*hour - 270*second, epoch + 2*hour - 250*second,
		},
		"same ticket 40 s after, its end is in doubt by 60 s: not believed": {
			doubted(ending(ticket, "a", true), 60*second), wechat.Stable, answer("a", epoch+40*second),
			keeper.NewVerdict(false, epoch, 0, true), epoch + 46*second, epoch + 47*second,
		},
		"same ticket 70 s after, its end is in doubt by 60 s: a new life": {
			doubted(ending(ticket, "a", true), 60*second), wechat.Stable, answer("a", epoch+70*second),
			keeper.NewVerdict(true, epoch+70*second+2*hour, 0, false), epoch + 70*second + 5*minute, epoch + 70*second + 5*minute + 200,
		},
		"same ticket: keeps its end, asks every 30 s": {
			ending(ticket, "a", true), wechat.Stable, answer("a", epoch-280*second),
			keeper.NewVerdict(false, epoch, 0, true), epoch - 250*second, epoch - 250*second + 200,
		},
		"same ticket early: waits for the margin": {
			ending(ticket, "a", true), wechat.Stable, answer("a", epoch-hour),
			keeper.NewVerdict(false, epoch, 0, true), epoch - 290*second, epoch - 290*second,
		},
		"same ticket, 10 s left: asks at the end": {
			ending(ticket, "a", true), wechat.Stable, answer("a", epoch-10*second),
			keeper.NewVerdict(false, epoch, 0, true), epoch, epoch,
		},
		"same ticket at its end: every second": {
			ending(ticket, "a", true), wechat.Stable, answer("a", epoch),
			keeper.NewVerdict(false, epoch, 0, true), epoch + second, epoch + second + 200,
		},
		"same ticket 9.9 s after: not believed": {
			ending(ticket, "a", true), wechat.Stable, answer("a", epoch+9900),
			keeper.NewVerdict(false, epoch, 0, true), epoch + 10900, epoch + 10900 + 200,
		},
		"same ticket 10 s after: a new life of unknown birth": {
			ending(ticket, "a", true), wechat.Stable, answer("a", epoch+10*second),
			keeper.NewVerdict(true, epoch+10*second+2*hour, 0, false), epoch + 10*second + 5*minute, epoch + 10*second + 5*minute + 200,
		},
		"same ticket of unknown birth: every 5 min": {
			ending(ticket, "a", false), wechat.Stable, answer("a", epoch-hour),
			keeper.NewVerdict(false, epoch, 0, false), epoch - 55*minute, epoch - 55*minute + 200,
		},
		"same stable token: keeps the earlier end": {
			ending(token, "a", true), wechat.Stable, keeper.NewReceived("a", 3*hour, epoch-hour, epoch-hour),
			keeper.NewVerdict(false, epoch, 0, true), epoch - 290*second, epoch - 290*second,
		},
		"same stable token, less left than known": {
			ending(token, "a", true), wechat.Stable, keeper.NewReceived("a", 10*minute, epoch-hour, epoch-hour),
			keeper.NewVerdict(false, epoch-50*minute-2*second, 0, true), epoch - 50*minute - 292*second, epoch - 50*minute - 292*second,
		},
		"same stable token after its end: believed": {
			ending(token, "a", true), wechat.Stable, answer("a", epoch),
			keeper.NewVerdict(true, epoch+2*hour-2*second, 0, true), epoch + 2*hour - 292*second, epoch + 2*hour - 272*second,
		},
		"life of 120 s": {
			&model.Credential{Kind: token}, wechat.Classic, keeper.NewReceived("b", 120*second, epoch, epoch),
			keeper.NewVerdict(true, epoch+118*second, 0, true), epoch + 43*second, epoch + 58*second,
		},
		"tiny life: never faster than MinInterval": {
			&model.Credential{Kind: token}, wechat.Stable, keeper.NewReceived("b", second, epoch, epoch),
			keeper.NewVerdict(true, epoch-second, 0, true), epoch + 30*second, epoch + 30*second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := keeper.Judge(keeper.DefaultTiming(), c.row, c.mode, c.answer)
			if diff := cmp.Diff(c.want, keeper.WithNextRefresh(got, 0), cmp.AllowUnexported(keeper.Verdict{})); diff != "" {
				t.Error(diff)
			}
			if next := keeper.NextRefresh(got); next < c.first || next > c.latest {
				t.Errorf("next refresh at epoch%+d ms, want %+d to %+d", next-epoch, c.first-epoch, c.latest-epoch)
			}
		})
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	token := model.Credential{Kind: snapshot.KindAccessToken, Version: 1, ValueHash: "t", ExpiresMs: epoch + hour, NextRefreshMs: epoch + 50*minute, ConfigRev: 3}
	ticket := model.Credential{Kind: snapshot.KindJSAPI, Version: 1, ValueHash: "j", ExpiresMs: epoch + 2*hour, NextRefreshMs: epoch + 40*minute, ConfigRev: 3}
	for name, c := range map[string]struct {
		change func(tended *model.Tended, token, ticket *model.Credential)
		kind   string
		atMs   int64
	}{
		"the earlier one":             {func(*model.Tended, *model.Credential, *model.Credential) {}, snapshot.KindJSAPI, epoch + 40*minute},
		"disabled":                    {func(tended *model.Tended, _, _ *model.Credential) { tended.Enabled = false }, "", 0},
		"both due: token first":       {func(_ *model.Tended, a, b *model.Credential) { a.NextRefreshMs, b.NextRefreshMs = epoch-1, epoch-hour }, snapshot.KindAccessToken, epoch},
		"ticket waits for a token":    {func(_ *model.Tended, a, b *model.Credential) { a.ExpiresMs, b.NextRefreshMs = epoch, 0 }, snapshot.KindAccessToken, epoch + 50*minute},
		"ticket waits: token is dead": {func(_ *model.Tended, a, b *model.Credential) { a.DeadHash, b.NextRefreshMs = "t", 0 }, snapshot.KindAccessToken, epoch + 50*minute},
		"claimed: when the claim ends": {
			func(_ *model.Tended, _, b *model.Credential) { b.NextRefreshMs, b.LeaseUntilMs = 0, epoch+30*second },
			snapshot.KindJSAPI, epoch + 30*second,
		},
		"claim absurdly long: none": {func(_ *model.Tended, _, b *model.Credential) { b.NextRefreshMs, b.LeaseUntilMs = 0, epoch+hour }, snapshot.KindJSAPI, epoch},
		"row being edited":          {func(_ *model.Tended, _, b *model.Credential) { b.ConfigRev = 2 }, snapshot.KindAccessToken, epoch + 50*minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tended := model.Tended{Credentials: []model.Credential{ticket, token}, Enabled: true, ConfigRev: 3, NowMs: epoch}
			c.change(&tended, &tended.Credentials[1], &tended.Credentials[0])
			if kind, at := keeper.Due(keeper.DefaultTiming(), &tended); kind != c.kind || at != c.atMs {
				t.Errorf("%q at epoch%+d ms, want %q at %+d", kind, at-epoch, c.kind, c.atMs-epoch)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	wx := func(class wechat.Class, op string, errcode int) error {
		return &wechat.Error{Class: class, Op: op, Errcode: errcode}
	}
	noon := time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC).UnixMilli() // in Beijing
	for name, c := range map[string]struct {
		err         error
		failed      int
		left        time.Duration // of the stored value
		least, most time.Duration
	}{
		"first":                     {errors.New("x"), 0, 0, time.Second, 2 * time.Second},
		"third":                     {errors.New("x"), 2, 0, time.Second, 8 * time.Second},
		"hundredth":                 {errors.New("x"), 99, 0, time.Second, time.Minute},
		"hundredth, 20 s left":      {errors.New("x"), 99, 20 * time.Second, time.Second, 10 * time.Second},
		"hundredth, 1 s left":       {errors.New("x"), 99, time.Second, time.Second, time.Second},
		"minute quota":              {wx(wechat.MinuteQuota, "getticket", 45011), 0, time.Second, time.Minute, 75 * time.Second},
		"day quota":                 {wx(wechat.DayQuota, "token", 45009), 0, time.Hour, 12 * time.Hour, 12*time.Hour + 5*time.Minute},
		"human, first":              {wx(wechat.NeedsHuman, "token", 40125), 0, 0, 5 * time.Minute, 330 * time.Second},
		"human, later":              {wx(wechat.NeedsHuman, "token", 40125), 50, 0, 30 * time.Minute, 33 * time.Minute},
		"refused for an hour":       {wx(wechat.NeedsHuman, "token", 89507), 0, 0, time.Hour, time.Hour},
		"refused for a day, thrice": {wx(wechat.NeedsHuman, "token", 89506), 3, 0, 24 * time.Hour, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := &model.Credential{FailCount: c.failed, ExpiresMs: noon + c.left.Milliseconds()}
			for range 500 {
				if wait := keeper.WaitAfter(row, c.err, noon); wait < c.least || wait > c.most {
					t.Fatalf("%s, want %s to %s", wait, c.least, c.most)
				}
			}
		})
	}
}
