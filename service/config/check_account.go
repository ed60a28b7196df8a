package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/pageurl"
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
		if len(account.Name) > longestName || !printable(account.Name) {
			l.fault(join(path, "name"), "is longer than 100 bytes or has line breaks", "shorten it")
		}
		l.oneOf(join(path, "token_mode"), account.TokenMode, TokenModeStable, TokenModeClassic)
		l.checkTickets(join(path, "tickets"), account)
		l.domains(join(path, "domains"), account.Domains)
		l.checkProfiles(join(path, "profiles"), account.Profiles)
	}
}

// longestName bounds an account's name, in bytes.
const longestName = 100

// checkIdentity wants exactly the keys that name an account on its platform.
func (l *loader) checkIdentity(path string, a *Account) {
	switch a.Platform {
	case PlatformOfficialAccount:
		l.appID(join(path, "app_id"), a.AppID)
		if a.CorpID != "" || a.AgentID != 0 {
			l.fault(join(path, "corp_id"), "and agent_id belong to WeCom only", `remove them, or set platform to "wecom"`)
		}
	case PlatformWeCom:
		l.appID(join(path, "corp_id"), a.CorpID)
		if a.AgentID <= 0 {
			l.fault(join(path, "agent_id"), "is missing or not above 0", "copy it from the application's page in WeCom")
		}
		if a.AppID != "" && a.AppID != fmt.Sprintf("%s:%d", a.CorpID, a.AgentID) {
			l.fault(join(path, "app_id"), "is not corp_id:agent_id", "remove it: it follows from corp_id and agent_id")
		}
		if l.isSet(join(path, "token_mode")) {
			l.fault(join(path, "token_mode"), "has no effect on WeCom", "remove it")
		}
	default:
		l.oneOf(join(path, "platform"), a.Platform, PlatformOfficialAccount, PlatformWeCom)
	}
}

// appIDShape is wider than any AppID of today, and safe in URLs, logs and file
// names.
var appIDShape = regexp.MustCompile(`^[A-Za-z0-9_:-]{1,96}$`)

func (l *loader) appID(path, text string) {
	switch {
	case text == "":
		l.fault(path, "is missing", "copy it from the account's page in WeChat's console")
	case !appIDShape.MatchString(text):
		l.fault(path, "is not an id of WeChat", "it has 1 to 96 letters, digits, _, : or -")
	}
}

func (l *loader) appSecret(path, text string) {
	switch {
	case l.isFaulty(path):
	case text == "":
		l.fault(path, "is missing", `write the AppSecret, or "file:/path" to read it, or set `+environmentName(path))
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		l.fault(path, "holds blanks, line breaks or other marks", "copy it again: an AppSecret has letters and digits only")
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
		_, err := pageurl.ParsePattern(domain)
		if err == nil {
			continue
		}
		mend := "write a host, as in h5.example.com or *.example.com"
		// The reason quotes the entry, which may be shown only if it is a line.
		if _, reason, found := strings.Cut(err.Error(), `": `); found && quote(domain) != "the value" {
			mend = reason
		}
		l.fault(join(path, strconv.Itoa(i)), "is not a domain: "+quote(domain), mend)
	}
}

var (
	profileShape = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	apiShape     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:-]{0,63}$`)
)

func (l *loader) checkProfiles(path string, profiles map[string]Profile) {
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		profile, at := profiles[name], join(path, name)
		if !profileShape.MatchString(name) {
			l.fault(at, "is not a name for a profile", "it has 1 to 64 small letters, digits, _ or -")
			continue
		}
		// Open tags alone are a use of wx.config, nothing at all is none.
		if len(profile.JSAPIList) == 0 && len(profile.OpenTagList) == 0 {
			l.fault(at, "asks for nothing", `list names in js_api_list or open_tag_list, as in ["updateAppMessageShareData"]`)
		}
		l.apiNames(join(at, "js_api_list"), profile.JSAPIList)
		l.apiNames(join(at, "open_tag_list"), profile.OpenTagList)
	}
}

func (l *loader) apiNames(path string, names []string) {
	for i, name := range names {
		at := join(path, strconv.Itoa(i))
		if !apiShape.MatchString(name) {
			l.fault(at, "is not a name of WeChat's JS-SDK: "+quote(name), "copy it from WeChat's list")
		}
		if slices.Contains(names[:i], name) {
			l.fault(at, "names "+quote(name)+" again", "remove one")
		}
	}
}
