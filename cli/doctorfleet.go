package cli

import (
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/doctor"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/schedule"
	"github.com/wxsign/wxsign/service/secret"
)

// tellOfServers gives the doctor what it needs to understand what those that serve
// have left in the database.
func tellOfServers(c config.Config, o *doctor.Options) (err error) {
	o.Version = thisBuild().Version
	o.Fingerprint = func(ring *secret.Keyring) (string, error) { return configFingerprint(c, ring) }
	if o.PurgeEvery, err = schedule.LongestGap(c.History.Purge, time.Now()); err != nil {
		return err
	}
	hooks, err := newHooks(c)
	if err != nil {
		return err
	}
	receivers, err := buildReceivers(c, hooks)
	if err != nil {
		return err
	}
	alerts, err := alert.New(alertOptions(c, alert.Options{
		Store: (*model.Store)(nil), Box: (*outbox.Outbox)(nil), Replica: replicaName(), // words need neither
	}))
	if err != nil {
		return err
	}
	o.AlertWords = func(row model.Alert) (what, do string) {
		words := alerts.Words(row, alert.English)
		return words.What, words.Do
	}
	labels := map[string]string{}
	for _, hook := range hooks {
		labels[hook.Name()] = alert.Webhook(hook).Label()
	}
	for _, r := range receivers {
		labels[r.Name()] = r.Label()
	}
	o.Receiver = func(channel string) string {
		if label := labels[channel]; label != "" {
			return label
		}
		return channel + " (not in the configuration)"
	}
	return nil
}
