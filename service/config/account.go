package config

import (
	"github.com/wxsign/wxsign/service/account/rules"
	"github.com/wxsign/wxsign/service/secret"
)

// Platforms, token modes and ticket kinds of an account.
const (
	PlatformOfficialAccount = rules.PlatformOfficialAccount
	PlatformWeCom           = rules.PlatformWeCom

	TokenModeStable  = rules.TokenModeStable
	TokenModeClassic = rules.TokenModeClassic

	TicketJSAPI       = rules.TicketJSAPI
	TicketWXCard      = rules.TicketWXCard
	TicketAgentConfig = rules.TicketAgentConfig
)

// DefaultProfile is the profile that every account has, written or not.
const DefaultProfile = rules.DefaultProfile

// Account is a WeChat account, or one corp and one agent of WeCom.
type Account struct {
	// AppID is "<corp_id>:<agent_id>" on WeCom; Load puts it in.
	AppID    string        `toml:"app_id"`
	Name     string        `toml:"name"`
	Platform string        `toml:"platform"`
	CorpID   string        `toml:"corp_id"`
	AgentID  int           `toml:"agent_id"`
	Secret   secret.Secret `toml:"secret"`
	// TokenMode is TokenModeStable or TokenModeClassic.
	TokenMode string   `toml:"token_mode"`
	Tickets   []string `toml:"tickets"`
	// Domains say which pages may be signed; see pageurl.Pattern.
	Domains []string `toml:"domains"`
	// AllowHTTP also signs pages that are not https.
	AllowHTTP bool               `toml:"allow_http"`
	Profiles  map[string]Profile `toml:"profiles"`
}

// Profile is what a page asks of wx.config besides the signature.
type Profile struct {
	JSAPIList   []string `toml:"js_api_list"`
	OpenTagList []string `toml:"open_tag_list"`
	Debug       bool     `toml:"debug"`
}

// Demo is the demo share page.
type Demo struct {
	// Enabled, where nobody sets it, is true only with the simulator.
	Enabled bool `toml:"enabled"`
	// Accounts are the AppIDs it may show; none = every account.
	Accounts []string `toml:"accounts"`
	// Profiles are those it may use; none = every profile.
	Profiles []string `toml:"profiles"`
}

// Simulator is the built-in pretend WeChat.
type Simulator struct {
	Enabled bool   `toml:"enabled"`
	Listen  string `toml:"listen"`
	// CredentialLife is the life of tokens and tickets.
	CredentialLife Duration `toml:"credential_life"`
	// Overlap is how long an old token lives on beside a new one; 0 = derived
	// from CredentialLife.
	Overlap Duration `toml:"overlap"`
	// AnyPort lets a page use any port of a listed domain.
	AnyPort bool `toml:"any_port"`
	// FreshTickets answers a new ticket to every call, not the same one.
	FreshTickets bool               `toml:"fresh_tickets"`
	Accounts     []SimulatorAccount `toml:"account"`
}

// SimulatorAccount is an account that the simulator knows.
type SimulatorAccount struct {
	AppID   string        `toml:"app_id"`
	Secret  secret.Secret `toml:"secret"`
	Domains []string      `toml:"domains"`
	// AllowedIPs is the IP list of the account; none = every address may call.
	AllowedIPs []string `toml:"allowed_ips"`
}
