package paneltest_test

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/outbox"
)

// pretendReceiver takes alerts, or refuses them.
type pretendReceiver struct {
	name string
	err  error
	took []outbox.Message
}

func (r *pretendReceiver) Name() string      { return r.name }
func (r *pretendReceiver) Label() string     { return "mail " + r.name + "@example.com" }
func (r *pretendReceiver) Wants(string) bool { return true }

func (r *pretendReceiver) Deliver(_ context.Context, m outbox.Message) error {
	r.took = append(r.took, m)
	return r.err
}

// newAlerts are alerts with one receiver that works and one that does not.
func (k *panelKit) newAlerts(entries *audit.Log) *alert.Alerts {
	k.t.Helper()
	k.receivers = []*pretendReceiver{{name: "ops"}, {name: "gone", err: errors.New("550 no such <b>user</b>")}}
	var err error
	k.box, err = outbox.New(outbox.Options{Store: k.store, Channels: []outbox.Channel{k.receivers[0], k.receivers[1]}, Replica: "test"})
	k.ok(err)
	k.alerts, err = alert.New(alert.Options{
		Store: k.store, Box: k.box, Audit: entries, Receivers: []alert.Receiver{k.receivers[0], k.receivers[1]}, Replica: "host/1/0badcafe",
		Location: time.FixedZone("CST", 8*3600), Logger: slog.New(slog.DiscardHandler),
	})
	k.ok(err)
	return k.alerts
}

// newDeliveries is the desk of what newAlerts sends by.
func (k *panelKit) newDeliveries(entries *audit.Log) *outbox.Desk {
	k.t.Helper()
	labels := map[string]string{}
	for _, r := range k.receivers {
		labels[r.Name()] = r.Label()
	}
	desk, err := outbox.NewDesk(outbox.DeskOptions{Box: k.box, Audit: entries, Labels: labels})
	k.ok(err)
	return desk
}

func (k *panelKit) newKeys(entries *audit.Log) *apikey.Keys {
	k.t.Helper()
	var err error
	k.keys, err = apikey.New(apikey.Options{Store: k.store, Audit: entries, Logger: slog.New(slog.DiscardHandler)})
	k.ok(err)
	return k.keys
}

// raised adds an open alert and tells its id.
func (k *panelKit) raised(a model.Alert) int64 {
	k.t.Helper()
	a.EventID = a.AlertKey
	if a.Facts == "" {
		a.Facts = "{}"
	}
	added, err := k.store.AddAlert(k.t.Context(), a)
	k.ok(err)
	if !added {
		k.t.Fatal("the alert is there already")
	}
	open, err := k.store.OpenAlerts(k.t.Context(), 100)
	k.ok(err)
	for _, row := range open {
		if row.AlertKey == a.AlertKey {
			return row.ID
		}
	}
	k.t.Fatal("the alert is not open")
	return 0
}

func alertActor() alert.Actor { return alert.Actor{Name: "li.wei", Address: "127.0.0.1"} }
