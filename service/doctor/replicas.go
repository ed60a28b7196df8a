package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

const replicaCheck = "replicas"

const (
	// silentAfter is how long a replica that lives may be silent: it notes itself
	// every 10 s, and two notes may go missing.
	silentAfter = 35 * time.Second
	// rememberedFor is how far back one that is gone is worth a word.
	rememberedFor = 15 * time.Minute
	mostReplicas  = 100
)

// checkReplicas looks at who serves on this database, as each notes it there. One
// that ends on purpose takes its note back.
func (d *Doctor) checkReplicas(ctx context.Context) {
	rows, nowMs, err := d.replicas(ctx)
	if err != nil {
		d.fail(replicaCheck, err.Error(), mendDatabase(err))
		return
	}
	var silent []model.Replica
	for _, r := range rows {
		if nowMs-r.SeenMs > silentAfter.Milliseconds() {
			silent = append(silent, r)
		} else {
			d.serving = append(d.serving, r)
		}
	}
	if len(d.serving) == 0 {
		d.nobodyServes(ctx, silent, nowMs)
		return
	}
	d.compareReplicas()
	if len(silent) > 0 {
		d.warn(replicaCheck, gone(silent, nowMs),
			"fine where it was replaced by one that serves now. Else look whether its machine lives, and why the process ended: killed, out of memory, a crash")
	}
}

func (d *Doctor) replicas(ctx context.Context) (rows []model.Replica, nowMs int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return d.store.Replicas(ctx, rememberedFor.Milliseconds(), mostReplicas)
}

// gone tells of replicas that fell silent; the newest come first.
func gone(silent []model.Replica, nowMs int64) string {
	newest := silent[0]
	text := fmt.Sprintf("%s fell silent %s ago without an end on purpose", newest.Name, span(nowMs-newest.SeenMs))
	if others := len(silent) - 1; others > 0 {
		text += fmt.Sprintf(", and %d more in the last %s", others, rememberedFor)
	}
	return text
}

// nobodyServes judges a database on which no replica lives. Whether one fell silent
// is known for a while only; that something was fetched stays known.
func (d *Doctor) nobodyServes(ctx context.Context, silent []model.Replica, nowMs int64) {
	const nothing = "no wxsign serves on this database: nothing is renewed"
	const mend = "start `wxsign serve`, or the service. If one runs, it runs on another database: compare its database.dsn"
	accounts, fetched, err := d.inUse(ctx)
	switch {
	case err != nil:
		d.fail(replicaCheck, err.Error(), mendDatabase(err))
	case len(silent) > 0:
		d.fail(replicaCheck, nothing+"; "+gone(silent, nowMs), "start it; its log says why it ended")
	case fetched:
		d.fail(replicaCheck, nothing+", and what is stored ends", mend)
	case accounts:
		d.warn(replicaCheck, nothing, mend)
	default:
		d.note(replicaCheck, "%s", nothing)
	}
}

// inUse reports whether there are accounts, and whether something was fetched for
// one that is enabled.
func (d *Doctor) inUse(ctx context.Context) (accounts, fetched bool, err error) {
	err = d.eachPage(ctx, func(p sealedPage) {
		accounts = true
		enabled := map[string]bool{}
		for i := range p.accounts {
			enabled[p.accounts[i].AppID] = p.accounts[i].Enabled
		}
		fetched = fetched || slices.ContainsFunc(p.credentials, func(c model.CredentialNow) bool { return c.Version > 0 && enabled[c.AppID] })
	})
	return accounts, fetched, err
}

// compareReplicas finds out whether all that live are alike, and like this
// program.
func (d *Doctor) compareReplicas() {
	versions, settings := map[string][]string{}, map[string][]string{}
	for _, r := range d.serving {
		versions[r.Version] = append(versions[r.Version], r.Name)
		settings[r.Config] = append(settings[r.Config], r.Name)
	}
	names := slices.Sorted(maps.Keys(versions))
	d.ok(replicaCheck, "serving on this database: %d, wxsign %s", len(d.serving), strings.Join(names, " and "))
	switch {
	case len(versions) > 1:
		d.warn(replicaCheck, "they run different versions: "+groups(versions), "fine during an upgrade; finish it")
	case d.Version != names[0]:
		d.note(replicaCheck, "this program is wxsign %s, those that serve are %s", d.Version, names[0])
	}
	if len(settings) > 1 {
		d.warn(replicaCheck, "their settings or master keys differ: "+strings.Join(splitNames(settings), " against "),
			"give all the same: by different rules they undo each other's work. `wxsign config show` on each machine prints what is in effect, `wxsign doctor` says by which key it seals")
		return
	}
	d.compareSettings(slices.Collect(maps.Keys(settings))[0])
}

// compareSettings tells where this command was given another configuration than
// those that serve.
func (d *Doctor) compareSettings(theirs string) {
	if d.ring == nil {
		return // said before
	}
	own, err := d.Fingerprint(d.ring)
	if err == nil && own != theirs {
		d.note(replicaCheck, "settings or master key of this command are not those of the replicas: what is said here of the configuration is said of %s",
			cmp.Or(d.ConfigPath, "this command's environment"))
	}
}

// groups writes what is different, and who has it.
func groups(by map[string][]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, key+" on "+some(by[key]))
	}
	return strings.Join(parts, ", ")
}

// splitNames are the groups' members only.
func splitNames(by map[string][]string) (parts []string) {
	for _, names := range by {
		parts = append(parts, some(names))
	}
	slices.Sort(parts)
	return parts
}

// examples is how many of a kind a text names.
const examples = 3

// some are the first names, in order, and how many there are more.
func some(names []string) string {
	sorted := slices.Sorted(slices.Values(names))
	text := strings.Join(sorted[:min(len(sorted), examples)], ", ")
	if more := len(sorted) - examples; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// span is a time in milliseconds, in whole seconds or, where it is long, minutes.
func span(ms int64) string {
	t := time.Duration(max(0, ms)) * time.Millisecond
	if t < time.Hour {
		return t.Round(time.Second).String()
	}
	return strings.TrimSuffix(t.Round(time.Minute).String(), "0s")
}
