// Package alert tells people of trouble: what happened, since when, what it means
// for users and what to do.
//
//	finding.go      a trouble, and what makes it the same one
//	credentials.go  troubles of stored credentials
//	errcodes.go     which of WeChat's errcodes only a person can mend
//	losses.go       tokens that were found dead before their time
//	outputs.go      messages that do not arrive, budgets, replicas that differ
//	own.go          what only this replica sees: clock, lag, Redis, purge
//	outage.go       the database is away: told past it
//	look.go         troubles become alerts; what is over is cleared
//	tell.go         alerts become messages of the outbox
//	quiet.go        hours in which warnings wait
//	text.go         the words, in both languages
//	page.go         what the panel shows; acknowledging; the test message
//	mail.go, robot.go  channels
//
// One replica looks for all, by a lease; a unique key in the database makes one
// alert of a trouble even where two replicas look. An alert is cleared when its
// trouble was not seen for some minutes, the longer the more often it came back
// lately, so that a trouble that comes and goes is one alert. Messages go through
// the outbox: a replica that dies in between loses none.
package alert

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/webhook"
)

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	Now(ctx context.Context) (int64, error)
	TakeAlertDuty(ctx context.Context, holder string, leaseMs int64) (bool, error)
	LeaveAlertDuty(ctx context.Context, holder string) error
	Ailing(ctx context.Context, l model.AilingLimits, limit int) ([]model.Ailing, error)
	HistoryPage(ctx context.Context, f model.HistoryFilter, after model.HistoryKey, limit int) (model.HistoryPage, error)
	ForcesSpent(ctx context.Context, day, limit int) ([]model.ForceSpent, error)
	DeliveryCounts(ctx context.Context) ([]model.DeliveryCount, error)
	Replicas(ctx context.Context, sinceMs int64, limit int) ([]model.Replica, int64, error)
	Marks(ctx context.Context, sinceMs int64) ([]model.Mark, int64, error)

	AlertSeen(ctx context.Context, a model.Alert) (bool, error)
	AddAlert(ctx context.Context, a model.Alert) (bool, error)
	AlertsCleared(ctx context.Context, key string, sinceMs int64) (int, error)
	AlertAbsent(ctx context.Context, id int64) (bool, error)
	AlertTold(ctx context.Context, id int64, tell int) (bool, error)
	AckAlert(ctx context.Context, id int64, by, note string) (bool, error)
	CountAlerts(ctx context.Context) (model.AlertCounts, error)
	Alert(ctx context.Context, id int64) (model.Alert, error)
	OpenAlerts(ctx context.Context, limit int) ([]model.Alert, error)
	ClearedAlerts(ctx context.Context, after model.AlertKey, limit int) ([]model.Alert, error)
	UntoldAlerts(ctx context.Context, limit int) ([]model.Alert, error)
	PurgeAlerts(ctx context.Context, ageMs int64) (int64, error)
}

// Box takes messages; *outbox.Outbox is one.
type Box interface {
	Add(ctx context.Context, m outbox.Message) error
}

// Recorder writes down what is about to be done; *audit.Log is one.
type Recorder interface {
	Record(ctx context.Context, e audit.Entry) error
}

// Receiver is a channel that alerts go out by. A *webhook.Hook is one, a Mail and
// a Robot are others.
type Receiver interface {
	outbox.Channel
	// Wants reports whether it is told of events of a type: webhook.AlertRaised,
	// webhook.AlertCleared.
	Wants(eventType string) bool
	// Label says where it leads, for people; without a secret.
	Label() string
}

// Limits are the numbers from which on a condition is a trouble. Zero fields mean
// the defaults of the configuration.
type Limits struct {
	// StableMargin, ClassicMargin and TicketMargin are how long before its end a
	// credential is renewed: the time there is for it.
	StableMargin, ClassicMargin, TicketMargin time.Duration
	// WindowWarning and WindowCritical are percent of that time.
	WindowWarning, WindowCritical int
	ForceBudgetLow                int // force refreshes left for the day
	ClockDifference               time.Duration
}

// Own is how this replica is. Each field may be nil: then nobody knows.
type Own struct {
	// DatabaseDown is how long the database has been away, 0 if it is there.
	DatabaseDown func() time.Duration
	// ReadOnly reports whether the database answers and takes no writes.
	ReadOnly func() bool
	// Served is the version that is served of a credential; false where this
	// replica does not keep it.
	Served func(appID, kind string) (version int64, kept bool)
	// Redis is why the copy for other programs fails and since when; "" = it does
	// not, or there is none.
	Redis func() (text string, since time.Time)
}

// Options of New. Store, Box and Replica are required. Zero fields
// mean: Quiet = never, Location = the process's time zone, Logger =
// slog.Default().
type Options struct {
	Store     Store
	Box       Box
	Audit     Recorder   // nil = nobody can acknowledge, or send a test from the panel
	Receivers []Receiver // they are channels of the outbox
	Replica   string     // this process among the replicas
	Config    string     // fingerprint of its configuration, as in table replica
	PanelURL  string     // for people to open
	Limits    Limits
	Quiet     Quiet
	Own       Own
	Location  *time.Location
	Logger    *slog.Logger
}

// Alerts is safe for concurrent use. Look and Tidy are for the scheduler.
type Alerts struct {
	options Options
	texts   texts
	log     *slog.Logger
	counts  atomic.Pointer[model.AlertCounts]

	mu     sync.Mutex
	noted  map[string]note // own troubles that others have told of
	outage outage
	// readOnlySince is when the database was first seen to take no writes; zero = it does.
	readOnlySince time.Time
}

// New checks the options.
func New(o Options) (*Alerts, error) {
	if o.Store == nil || o.Box == nil || o.Replica == "" {
		return nil, errors.New("alert: Store, Box and Replica are required")
	}
	o.Limits = o.Limits.withDefaults()
	if o.Limits.WindowCritical >= o.Limits.WindowWarning {
		return nil, errors.New("alert: WindowCritical must be less than WindowWarning")
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	words, err := readTexts()
	if err != nil {
		return nil, err
	}
	a := &Alerts{options: o, texts: words, log: o.Logger, noted: map[string]note{}}
	a.counts.Store(&model.AlertCounts{})
	return a, nil
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		value *time.Duration
		is    time.Duration
	}{
		{&l.StableMargin, 290 * time.Second},
		{&l.ClassicMargin, 15 * time.Minute},
		{&l.TicketMargin, 290 * time.Second},
		{&l.ClockDifference, 5 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.is
		}
	}
	if l.WindowWarning == 0 {
		l.WindowWarning, l.WindowCritical = 50, 20
	}
	return l
}

// Counts are how many alerts are open, and how many of them nobody has in hand,
// as of the last look: the panel's bar asks on every page.
func (a *Alerts) Counts() (open, unacked int) {
	c := a.counts.Load()
	return c.Open, c.Unacked
}

// Leave gives the duty to look back: this replica ends.
func (a *Alerts) Leave(ctx context.Context) error {
	return a.options.Store.LeaveAlertDuty(ctx, a.options.Replica)
}

// receivers are those that are told of a type.
func (a *Alerts) receivers(eventType string) []Receiver {
	var want []Receiver
	for _, r := range a.options.Receivers {
		if r.Wants(eventType) {
			want = append(want, r)
		}
	}
	return want
}

// raisedOrCleared is the type of the event that is to be told.
func raisedOrCleared(tell int) string {
	if tell == model.TellCleared {
		return webhook.AlertCleared
	}
	return webhook.AlertRaised
}
