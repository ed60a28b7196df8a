package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/account/rules"
)

// completeAccount derives the AppID of WeCom: one account is one agent of one
// corp.
func completeAccount(a *Account) {
	if a.Platform == PlatformWeCom && a.AppID == "" && a.CorpID != "" {
		a.AppID = fmt.Sprintf("%s:%d", a.CorpID, a.AgentID)
	}
}

func (l *loader) checkAccounts() {
	ids := map[string]int{}
	for i := range l.cfg.Accounts {
		account, path := &l.cfg.Accounts[i], join("account", strconv.Itoa(i))
		l.checkIdentity(path, account)
		if first, taken := ids[account.AppID]; taken {
			l.fault(join(path, "app_id"), fmt.Sprintf("is that of account[%d] too", first), "remove one of the two")
		} else if account.AppID != "" {
			ids[account.AppID] = i
		}
		l.appSecret(join(path, "secret"), account.Secret.Reveal())
		l.rule(join(path, "name"), rules.Name(account.Name))
		l.oneOf(join(path, "token_mode"), account.TokenMode, TokenModeStable, TokenModeClassic)
		l.checkTickets(join(path, "tickets"), account)
		l.domains(join(path, "domains"), account.Domains)
		l.checkProfiles(join(path, "profiles"), account.Profiles)
	}
}

// rule notes what the rules for accounts find.
func (l *loader) rule(path string, f rules.Fault) {
	if f.Any() {
		l.fault(path, f.Problem, f.Mend)
	}
}

// checkIdentity wants exactly the keys that name an account on its platform.
func (l *loader) checkIdentity(path string, a *Account) {
	switch a.Platform {
	case PlatformOfficialAccount:
		l.appID(join(path, "app_id"), a.AppID)
		if strings.Contains(a.AppID, ":") {
			l.fault(join(path, "app_id"), "has a colon, which only ids of WeCom have", `set platform to "wecom", with corp_id and agent_id`)
		}
		if a.CorpID != "" || a.AgentID != 0 {
			l.fault(join(path, "corp_id"), "and agent_id belong to WeCom only", `remove them, or set platform to "wecom"`)
		}
	case PlatformWeCom:
		l.appID(join(path, "corp_id"), a.CorpID)
		if strings.Contains(a.CorpID, ":") {
			l.fault(join(path, "corp_id"), "has a colon", "write the agent id into agent_id")
		}
		l.rule(join(path, "agent_id"), rules.AgentID(a.AgentID))
		if a.AppID != "" && a.AppID != fmt.Sprintf("%s:%d", a.CorpID, a.AgentID) {
			l.fault(join(path, "app_id"), "is not corp_id:agent_id", "remove it: it follows from corp_id and agent_id")
		}
		if l.isSet(join(path, "token_mode")) {
			l.fault(join(path, "token_mode"), "has no effect on WeCom", "remove it")
		}
	default:
		l.oneOf(join(path, "platform"), a.Platform, PlatformOfficialAccount, PlatformWeCom)
		l.checkAnyIdentity(path, a)
	}
}

// checkAnyIdentity looks at what names an account whose platform is not known: the
// AppID, or what only accounts of WeCom have.
func (l *loader) checkAnyIdentity(path string, a *Account) {
	if a.CorpID == "" && a.AgentID == 0 {
		l.appID(join(path, "app_id"), a.AppID)
		return
	}
	l.appID(join(path, "corp_id"), a.CorpID)
	l.rule(join(path, "agent_id"), rules.AgentID(a.AgentID))
}

func (l *loader) appID(path, text string) { l.rule(path, rules.AppID(text)) }

func (l *loader) appSecret(path, text string) {
	switch {
	case l.isFaulty(path):
	case text == "":
		l.fault(path, "is missing", `write the AppSecret, or "file:/path" to read it, or set `+environmentName(path))
	default:
		l.rule(path, rules.Secret(text))
	}
}

func (l *loader) checkTickets(path string, a *Account) {
	if a.Platform == PlatformWeCom {
		l.eachOneOf(path, a.Tickets, TicketJSAPI, TicketAgentConfig)
		return
	}
	for i, kind := range a.Tickets {
		if kind == TicketAgentConfig {
			l.fault(join(path, strconv.Itoa(i)), "is a ticket of WeCom only", `choose jsapi or wx_card`)
		}
	}
	l.eachOneOf(path, a.Tickets, TicketJSAPI, TicketWXCard)
}

func (l *loader) domains(path string, domains []string) {
	for i, domain := range domains {
		fault := rules.Domain(domain)
		if !fault.Any() {
			continue
		}
		if quote(domain) == "the value" { // the mend may quote the entry, which may be shown only if it is a line
			fault.Mend = "write a host, as in h5.example.com or *.example.com"
		}
		l.fault(join(path, strconv.Itoa(i)), fault.Problem+": "+quote(domain), fault.Mend)
	}
}

func (l *loader) checkProfiles(path string, profiles map[string]Profile) {
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		profile, at := profiles[name], join(path, name)
		if fault := rules.ProfileName(name); fault.Any() {
			l.rule(at, fault)
			continue
		}
		l.rule(at, rules.Profile(profile.JSAPIList, profile.OpenTagList))
		l.apiNames(join(at, "js_api_list"), profile.JSAPIList)
		l.apiNames(join(at, "open_tag_list"), profile.OpenTagList)
	}
}

func (l *loader) apiNames(path string, names []string) {
	for i, name := range names {
		at := join(path, strconv.Itoa(i))
		if fault := rules.APIName(names, i); fault.Any() {
			l.fault(at, fault.Problem+": "+quote(name), fault.Mend)
		}
	}
}
