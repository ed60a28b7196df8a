package keeper

import (
	"cmp"
	"slices"
	"time"

	"github.com/wxsign/wxsign/service/snapshot"
)

// AccountTrouble is a credential that is not as it should be, with the account
// it belongs to: for operators, not for pages.
type AccountTrouble struct {
	AppID   string
	Kind    string
	Live    bool   // a value is still being served
	Failing int    // attempts failed in a row
	Errcode int    // WeChat's, 0 where there was none
	Text    string // what happened and the mend; never with a value
	NextTry time.Time
}

// Troubles lists what is wrong, by AppID and kind: credentials whose newest
// attempt failed, and those that are missing or have ended.
func (k *Keeper) Troubles() []AccountTrouble {
	var troubles []AccountTrouble
	now := time.Now()
	for view := range k.table.All() {
		if !view.Account.Enabled {
			continue
		}
		for _, kind := range append([]string{tokenKind}, view.Account.Tickets...) {
			if t := troubleIn(view, kind, now); t.Failing > 0 || !t.Live {
				troubles = append(troubles, t)
			}
		}
	}
	slices.SortFunc(troubles, func(a, b AccountTrouble) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), cmp.Compare(a.Kind, b.Kind))
	})
	return troubles
}

func troubleIn(view *snapshot.View, kind string, now time.Time) AccountTrouble {
	c, found := view.Credential(kind)
	t := view.Trouble(kind)
	return AccountTrouble{
		AppID: view.Account.AppID, Kind: kind, Live: found && c.Live(now),
		Failing: t.Failing, Errcode: t.Errcode, Text: t.Text, NextTry: t.NextTry,
	}
}
