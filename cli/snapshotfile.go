package cli

import (
	"errors"
	"time"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/snapshotfile"
)

// buildSnapshotFile makes what reads and writes database.snapshot_file, if there
// is to be one.
func (p *program) buildSnapshotFile() (err error) {
	path := p.config.Database.SnapshotFile
	if path == "" {
		return nil
	}
	if p.kept, err = snapshotfile.New(snapshotfile.Options{Path: path, Keyring: p.ring}); err != nil {
		return err
	}
	p.keeping, err = snapshotfile.NewWriter(snapshotfile.WriterOptions{File: p.kept, Collect: p.toKeep, Logger: p.log})
	return err
}

// toKeep is what goes into the snapshot file.
func (p *program) toKeep() (snapshotfile.Content, bool) {
	served, current := p.keeper.Kept()
	c := snapshotfile.Content{Served: served}
	for _, k := range p.keys.Kept() {
		c.Keys = append(c.Keys, snapshotfile.Key(k))
	}
	return c, current
}

// restore serves what an earlier process has left in the snapshot file; the
// database is away. It says once why not.
func (p *program) restore() {
	if p.kept == nil || p.restored || p.unrestorable {
		return
	}
	path := p.config.Database.SnapshotFile
	content, err := p.kept.Read()
	if err != nil {
		p.refuseSnapshot(err)
		return
	}
	accounts, values := p.keeper.Restore(content.Served)
	if values == 0 {
		p.unrestorable = true
		p.log.Error("nothing in the snapshot file lives any more; nothing is signed until the database answers",
			"file", path, "written", content.Written.UTC().Format(time.RFC3339))
		return
	}
	p.restored = true
	if err := p.restoreKeys(content.Keys); err != nil {
		p.log.Error("an API key of the snapshot file cannot be used", "err", err)
	}
	p.log.Warn("the database is away: serving what the snapshot file holds, until it ends. Nothing is renewed before the database answers",
		"file", path, "written", content.Written.UTC().Format(time.RFC3339), "accounts", accounts, "values", values, "keys", len(content.Keys))
}

// refuseSnapshot tells once why the file is not used. Just after the machine was
// started its time service may still be at work: then it is tried again.
func (p *program) refuseSnapshot(err error) {
	again := errors.Is(err, snapshotfile.ErrClock)
	if !again || !p.awaitsClock {
		p.log.Error("the snapshot file is not used; nothing is signed until the database answers",
			"file", p.config.Database.SnapshotFile, "mend", snapshotfile.Mend(err), "err", err)
	}
	p.awaitsClock, p.unrestorable = again, !again
}

func (p *program) restoreKeys(keys []snapshotfile.Key) error {
	kept := make([]apikey.Kept, 0, len(keys))
	for _, k := range keys {
		kept = append(kept, apikey.Kept(k))
	}
	return p.keys.Restore(kept)
}

// keepSnapshot writes the file from now on. The rows are being served.
func (p *program) keepSnapshot() {
	if p.restored {
		p.log.Info("the database answers: its rows are served from now on, and the snapshot file no more")
	}
	if p.keeping != nil {
		p.keeping.Start()
	}
}

// leaveSnapshot writes the file for the last time.
func (p *program) leaveSnapshot() {
	if p.keeping != nil {
		p.keeping.Stop()
	}
}
