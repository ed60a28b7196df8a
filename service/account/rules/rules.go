// Package rules says what an account may look like. It is the one place for
// that: the configuration file and the panel hold accounts to the same rules.
package rules

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wxsign/wxsign/service/pageurl"
)

// Platforms, token modes and ticket kinds of an account.
const (
	PlatformOfficialAccount = "official_account"
	PlatformWeCom           = "wecom"

	TokenModeStable  = "stable"
	TokenModeClassic = "classic"

	TicketJSAPI       = "jsapi"
	TicketWXCard      = "wx_card"
	TicketAgentConfig = "agent_config"
)

// DefaultProfile is the profile that every account has, written or not.
const DefaultProfile = "default"

// DefaultAPIs are the names that the default profile lists where nobody wrote
// it: what a page needs to be shared.
func DefaultAPIs() []string {
	return []string{"updateAppMessageShareData", "updateTimelineShareData", "checkJsApi"}
}

// Lengths, in bytes. An AppSecret of today has 32 to 43; sealed, the longest
// one fits its column.
const (
	MaxName   = 100
	MaxSecret = 512
)

// Fault is what is wrong with a value. The zero Fault says that nothing is.
type Fault struct {
	Code    string // a stable word: the key of its text in the panel
	Problem string // goes on after the name of the field: "is missing"
	Mend    string // what to write instead
}

// Any reports whether something is wrong.
func (f Fault) Any() bool { return f != Fault{} }

var (
	// appIDShape is wider than any AppID of today, and safe in URLs, logs and
	// file names.
	appIDShape   = regexp.MustCompile(`^[A-Za-z0-9_:-]{1,96}$`)
	profileShape = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	apiShape     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:-]{0,63}$`)
)

// AppID judges an AppID, or the corp id of WeCom.
func AppID(text string) Fault {
	switch {
	case text == "":
		return Fault{"app_id_missing", "is missing", "copy it from the account's page in WeChat's console"}
	case !appIDShape.MatchString(text):
		return Fault{"app_id_shape", "is not an id of WeChat", "it has 1 to 96 letters, digits, _, : or -"}
	}
	return Fault{}
}

// AgentID judges the agent of a WeCom account.
func AgentID(id int) Fault {
	if id <= 0 {
		return Fault{"agent_id_missing", "is missing or not above 0", "copy it from the application's page in WeCom"}
	}
	return Fault{}
}

// Name judges the name of an account, which may be empty.
func Name(text string) Fault {
	if len(text) > MaxName || !printable(text) {
		return Fault{"name_long", "is longer than 100 bytes or has line breaks", "shorten it"}
	}
	return Fault{}
}

// printable reports whether text is one line of ordinary characters.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Secret judges an AppSecret. No Fault holds any of it.
func Secret(text string) Fault {
	switch {
	case text == "":
		return Fault{"secret_missing", "is missing", "write the AppSecret"}
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return Fault{"secret_shape", "holds blanks, line breaks or other marks", "copy it again: an AppSecret has letters and digits only"}
	case len(text) > MaxSecret:
		return Fault{"secret_long", "is longer than 512 bytes", "copy it again: an AppSecret has 32 to 43 letters and digits"}
	}
	return Fault{}
}

// Platforms lists the platforms.
func Platforms() []string { return []string{PlatformOfficialAccount, PlatformWeCom} }

// TokenModes lists the token modes of an official account.
func TokenModes() []string { return []string{TokenModeStable, TokenModeClassic} }

// Tickets lists the ticket kinds that a platform has.
func Tickets(platform string) []string {
	if platform == PlatformWeCom {
		return []string{TicketJSAPI, TicketAgentConfig}
	}
	return []string{TicketJSAPI, TicketWXCard}
}

// Domain judges an entry of the list of domains. Its mend says what is wrong
// with this very entry and may quote parts of it.
func Domain(text string) Fault {
	_, err := pageurl.ParsePattern(text)
	if err == nil {
		return Fault{}
	}
	fault := Fault{"domain_shape", "is not a domain", "write a host, as in h5.example.com or *.example.com"}
	if _, reason, found := strings.Cut(err.Error(), `": `); found {
		fault.Mend = reason
	}
	return fault
}

// ProfileName judges the name of a profile.
func ProfileName(text string) Fault {
	if !profileShape.MatchString(text) {
		return Fault{"profile_name", "is not a name for a profile", "it has 1 to 64 small letters, digits, _ or -"}
	}
	return Fault{}
}

// Profile judges what a profile lists as a whole: open tags alone are a use of
// wx.config, nothing at all is none.
func Profile(apis, tags []string) Fault {
	if len(apis) == 0 && len(tags) == 0 {
		return Fault{"profile_empty", "asks for nothing", `list names in js_api_list or open_tag_list, as in ["updateAppMessageShareData"]`}
	}
	return Fault{}
}

// APIName judges the i-th name of a list of JS-SDK names or open tags.
func APIName(names []string, i int) Fault {
	switch {
	case !apiShape.MatchString(names[i]):
		return Fault{"api_shape", "is not a name of WeChat's JS-SDK", "copy it from WeChat's list"}
	case slices.Contains(names[:i], names[i]):
		return Fault{"api_again", "repeats a name", "remove one"}
	}
	return Fault{}
}
