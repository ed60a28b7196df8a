package webhook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
)

// history announces what the rows of the history tell, the oldest first.
func (l *look) history(ctx context.Context) error {
	var events []Event
	for place := (model.HistoryKey{}); ; {
		page, err := l.store.HistoryPage(ctx, model.HistoryFilter{FromMs: l.fromMs}, place, historyPage)
		if err != nil {
			return err
		}
		for i := range page.Rows {
			if e, ok := eventOf(&page.Rows[i]); ok {
				events = append(events, e)
			}
		}
		if page.Next == nil {
			break
		}
		place = *page.Next
	}
	for _, e := range slices.Backward(events) {
		if err := l.announce(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// eventOf is what a row of the history means to receivers; most rows mean
// something.
func eventOf(h *model.History) (Event, bool) {
	e := Event{
		ID: h.AttemptID, At: time.UnixMilli(h.AtMs), Account: h.AppID, Kind: h.Kind, Version: h.Version,
		Trigger: h.TriggerName, Errcode: h.Errcode, RID: h.RID,
	}
	switch h.Outcome {
	case model.OutcomeRenewed:
		e.Type, e.Fingerprint, e.ExpiresAt = CredentialRenewed, h.Fingerprint, time.UnixMilli(h.ExpiresMs)
		e.Message = fmt.Sprintf("The %s of %s was renewed; version %d can be used until %s.",
			nameOf(h.Kind), h.AppID, h.Version, e.ExpiresAt.UTC().Format(time.RFC3339))
	case model.OutcomeFailed:
		e.Type = CredentialFailed
		e.Message = fmt.Sprintf("The %s of %s could not be renewed: %s", nameOf(h.Kind), h.AppID, h.Errmsg)
	default:
		return Event{}, false
	}
	return e, true
}

// nameOf is what people, and alerts, call a kind.
func nameOf(kind string) string {
	switch kind {
	case snapshot.KindJSAPI:
		return "jsapi_ticket"
	case snapshot.KindWXCard, snapshot.KindAgentConfig:
		return kind + " ticket"
	}
	return kind
}

// expired announces the credentials that have ended without a new one. What
// this replica serves says where to look; the stored row decides, as this
// replica may not know a newer value yet.
func (l *look) expired(ctx context.Context) error {
	ended := l.ended(time.Now())
	appIDs := make([]string, 0, len(ended))
	for appID := range ended {
		appIDs = append(appIDs, appID)
	}
	for part := range slices.Chunk(appIDs, historyPage) {
		rows, err := l.store.Credentials(ctx, part)
		if err != nil {
			return err
		}
		for i := range rows {
			if row := &rows[i].Credential; slices.Contains(ended[row.AppID], row.PublishID) && row.ExpiresMs <= rows[i].NowMs {
				if err := l.announce(ctx, expiredEvent(row)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ended are the publishes that seem to have ended within reach, by account.
func (l *look) ended(now time.Time) map[string][]string {
	ended := map[string][]string{}
	for view := range l.table.All() {
		if !view.Account.Enabled {
			continue
		}
		for _, kind := range append([]string{snapshot.KindAccessToken}, view.Account.Tickets...) {
			c, found := view.Credential(kind)
			if !found || c.Live(now) || c.ExpiresAt < l.nowMs-reach.Milliseconds() {
				continue
			}
			if _, done := l.announced[expiredID(c.PublishID)]; !done {
				ended[view.Account.AppID] = append(ended[view.Account.AppID], c.PublishID)
			}
		}
	}
	return ended
}

func expiredID(publishID string) string { return publishID + "-expired" }

func expiredEvent(row *model.Credential) Event {
	at := time.UnixMilli(row.ExpiresMs)
	return Event{
		ID: expiredID(row.PublishID), Type: CredentialExpired, At: at, Account: row.AppID, Kind: row.Kind, Version: row.Version,
		ExpiresAt: at, Errcode: row.FailErrcode,
		Message: fmt.Sprintf("The %s of %s has ended and there is no new one: what needs it fails now. %s",
			nameOf(row.Kind), row.AppID, whyNoNewOne(row)),
	}
}

func whyNoNewOne(row *model.Credential) string {
	if row.FailText == "" {
		return "No attempt to renew it has failed: look at wxsign itself, and at its database."
	}
	return "The newest attempt to renew it failed: " + row.FailText
}
