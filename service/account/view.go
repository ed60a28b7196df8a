package account

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account/rules"
)

// View is an account as people see it: nothing in it is secret.
type View struct {
	Settings // without the AppSecret
	Enabled  bool
	FromFile bool // it is edited in the configuration file
	Rev      int64
	Created  time.Time
	Updated  time.Time
	// Fingerprint is that of the AppSecret in use, "" where it does not open.
	Fingerprint string
	Next        *Held // the AppSecret that was entered, nil without
	Previous    *Held // the one that was in use before, nil without
}

// Held is an AppSecret that is not in use.
type Held struct {
	Fingerprint string // "" where it does not open
	By          string // who entered or replaced it
	At          time.Time
	Until       time.Time // forgotten then
	Tested      time.Time // zero = never
	Accepted    bool      // WeChat gave a token for it
	Errcode     int
	Text        string // why it did not
	Mend        string
}

// View reads an account, or fails with ErrUnknown.
func (e *Editor) View(ctx context.Context, appID string) (View, error) {
	row, err := e.Store.Account(ctx, appID)
	if err != nil {
		return View{}, err
	}
	held, _, err := e.Store.HeldSecrets(ctx, []string{appID})
	if err != nil {
		return View{}, err
	}
	v := viewOf(row)
	if current, err := e.current(row); err == nil {
		v.Fingerprint = current.Fingerprint()
	}
	for _, h := range held {
		shown := e.show(h)
		switch {
		case shown.Fingerprint != "" && shown.Fingerprint == v.Fingerprint: // a switch ended half-way
		case h.Role == model.SecretNext:
			v.Next = &shown
		case h.Role == model.SecretPrevious:
			v.Previous = &shown
		}
	}
	return v, nil
}

func viewOf(row model.Account) View {
	v := View{
		Settings: Settings{
			AppID: row.AppID, Name: row.Name, Platform: row.Platform, TokenMode: row.TokenMode,
			Tickets: row.Tickets, Domains: row.Domains, AllowHTTP: row.AllowHTTP, Profiles: row.Profiles,
		},
		Enabled: row.Enabled, FromFile: row.Origin == model.OriginFile, Rev: row.ConfigRev,
		Created: time.UnixMilli(row.CreatedMs), Updated: time.UnixMilli(row.UpdatedMs),
	}
	v.CorpID, v.AgentID = splitWeCom(row)
	return v
}

// splitWeCom parts the AppID of a WeCom account; of another one nothing comes.
func splitWeCom(row model.Account) (corpID string, agentID int) {
	if row.Platform != rules.PlatformWeCom {
		return "", 0
	}
	corpID, agent, _ := strings.Cut(row.AppID, ":")
	agentID, _ = strconv.Atoi(agent) // stored AppIDs were checked
	return corpID, agentID
}

func (e *Editor) show(h model.HeldSecret) Held {
	shown := Held{
		By: h.Actor, At: time.UnixMilli(h.MadeMs), Until: time.UnixMilli(h.UntilMs), Accepted: h.Accepted, Errcode: h.TestErrcode,
	}
	shown.Text, shown.Mend, _ = strings.Cut(h.TestText, " — ")
	if h.TestedMs > 0 {
		shown.Tested = time.UnixMilli(h.TestedMs)
	}
	if value, err := e.Sealer.Open(h.SecretEnc, e.heldPlace(h.AppID, h.Role)); err == nil {
		shown.Fingerprint = value.Fingerprint()
	}
	return shown
}
