package simulator

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// DefaultCredentialLife is how long a token or a ticket lives at WeChat.
	DefaultCredentialLife = 2 * time.Hour
	// MinCredentialLife is the shortest life that a client can still work with.
	MinCredentialLife = 120 * time.Second

	overlapShare      = 24 // 2 h / 24 = WeChat's 5 minutes
	defaultLedgerSize = 10_000
	resetsPerMonth    = 10 // clear_quota, clear_quota/v2 and the console together
	pathResetsMonth   = 50 // openapi/quota/clear
)

// ErrOptions says that Options or an Account cannot be used; the text names
// every fault with its field.
var ErrOptions = errors.New("simulator options")

// Account is one official account that the simulator pretends to host, or one
// agent of WeCom.
type Account struct {
	// AppID is <corp_id>:<agent_id> for an agent.
	AppID  string
	Secret string
	// Domains are the JS safe domains as typed into the console: "h5.example.com"
	// or "h5.example.com/shop", no scheme, no port. A domain covers its
	// subdomains. Unlike the console, IP literals and "localhost" are taken too,
	// so that a demo runs on one machine.
	Domains []string
	// AllowedIPs is the API IP list: single addresses or CIDR; empty = no list.
	AllowedIPs []string
	// CallbackURL only matters to callback/check, which answers 40201 without it.
	CallbackURL string
	// Sandbox makes it a test account: 200 classic tokens a day instead of 2000.
	Sandbox bool
	// TokenErrcode, if set, is what both token endpoints answer once the secret
	// proved right: 40243, 50004, 50007, 61024 or 89501 to 89507; of an agent, what
	// gettoken answers: 50003.
	TokenErrcode int
	// TicketErrcode, if set, is what getticket answers to a good token: 48001,
	// 50002 or 61004; of an agent 48002 or 301002.
	TicketErrcode int
}

// Limits are calls per account. 0 means the default, a negative number no limit.
type Limits struct {
	TokenDay     int // GET /cgi-bin/token; default 2000 (documented)
	SandboxDay   int // the same for a sandbox account; default 200 (documented)
	TokenMinute  int // default 500; the true number is not published
	StableDay    int // POST /cgi-bin/stable_token; default 500000 (documented)
	StableMinute int // default 10000 (documented)
	ForceDay     int // force_refresh; default 20 (documented)
	TicketDay    int // getticket, all types together; default 10000 (documented)
	TicketMinute int // default no limit; the true number is not published
	// Fetches of WeCom's tickets in an hour: of each kind by one agent, default 100,
	// and of a corp's by all its agents, default 400 (documented).
	AgentTicketHour, CorpTicketHour int
}

// ForceOver names what a force refresh beyond the day's limit answers; the
// documents do not say.
type ForceOver string

const (
	// ForceOverErrcode answers 45009. It is the default.
	ForceOverErrcode ForceOver = "errcode"
	// ForceOverCurrent answers the current token, as a second force within 30 s does.
	ForceOverCurrent ForceOver = "current"
)

// Options of New. Every zero field has a default. The fields after Now are
// knobs for what Tencent's documents leave open.
type Options struct {
	Accounts []Account
	// CredentialLife of tokens and tickets; default 2 h, at least 120 s.
	CredentialLife time.Duration
	// Overlap is how long an old and a new token live side by side. Default 5 min,
	// or CredentialLife/24 where that life is shorter than 2 h.
	Overlap time.Duration
	// AnyPort lets verify accept ports other than 80 and 443.
	AnyPort bool
	// FreshTickets makes every getticket mint. Default: the same ticket until its
	// end with a constant expires_in, as observed by several users.
	FreshTickets bool
	// Now is the clock below the simulator's own offset; default time.Now.
	Now func() time.Time

	Limits Limits
	// ResetHour is the hour of Asia/Shanghai at which day limits start again;
	// default 0 (midnight).
	ResetHour int
	// Predecessors is how many older tokens of one chain may live in the overlap;
	// default 1, negative = none.
	Predecessors int
	// ForceKills makes a force refresh kill the old token at once. Default: it
	// lives on for Overlap, which is why a leak needs two forces.
	ForceKills bool
	// ForceOver is the answer to a force refresh beyond Limits.ForceDay.
	ForceOver ForceOver
	// TicketEarly is how long before a ticket's end getticket already answers a
	// new one, as stable_token does. Default: not before the end.
	TicketEarly time.Duration
	// TicketOverlap is how long a ticket lives after a new one appeared. Default:
	// to its own end; negative = not at all.
	TicketOverlap time.Duration
	// TicketRemaining makes getticket answer the remaining life, not a constant.
	TicketRemaining bool
	// TicketsDieWithToken ends tickets an Overlap after a new token was issued.
	// Default: tickets do not depend on tokens.
	TicketsDieWithToken bool
	// IPListTokenOnly checks AllowedIPs only where the AppSecret is sent, as older
	// documents say. Default: every call.
	IPListTokenOnly bool
	// SignatureFirst checks the signature before the domain. Default: domain first.
	SignatureFirst bool
	// SignatureMaxAge refuses signatures whose timestamp is older. Default: no rule.
	SignatureMaxAge time.Duration
	// WeComRemaining makes gettoken answer the remaining life. Default: a constant,
	// as getticket does, which is the harder case for a client.
	WeComRemaining bool
	// WeComFreshTokens makes every gettoken mint; the older ones live on. Default:
	// the same token while it lives, as WeCom documented until 2024.
	WeComFreshTokens bool
	// LedgerSize is how many calls the ledger remembers; default 10000.
	LedgerSize int
}

// withDefaults fills zero fields and reports every fault at once.
func (o Options) withDefaults() (Options, error) {
	o.CredentialLife = orDefault(o.CredentialLife, DefaultCredentialLife)
	o.Overlap = orDefault(o.Overlap, min(5*time.Minute, o.CredentialLife/overlapShare))
	o.LedgerSize = orDefault(o.LedgerSize, defaultLedgerSize)
	o.Predecessors = max(orDefault(o.Predecessors, 1), 0)
	o.ForceOver = orDefault(o.ForceOver, ForceOverErrcode)
	o.Limits = o.Limits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, o.check()
}

func (l Limits) withDefaults() Limits {
	return Limits{
		TokenDay:        orDefault(l.TokenDay, 2000),
		SandboxDay:      orDefault(l.SandboxDay, 200),
		TokenMinute:     orDefault(l.TokenMinute, 500),
		StableDay:       orDefault(l.StableDay, 500_000),
		StableMinute:    orDefault(l.StableMinute, 10_000),
		ForceDay:        orDefault(l.ForceDay, 20),
		TicketDay:       orDefault(l.TicketDay, 10_000),
		TicketMinute:    orDefault(l.TicketMinute, -1),
		AgentTicketHour: orDefault(l.AgentTicketHour, 100),
		CorpTicketHour:  orDefault(l.CorpTicketHour, 400),
	}
}

func (o Options) check() error {
	var faults []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrOptions}, args...)...))
		}
	}
	refuse(len(o.Accounts) == 0, "Accounts: give at least one")
	refuse(o.CredentialLife < MinCredentialLife,
		"CredentialLife %s: must be at least %s", o.CredentialLife, MinCredentialLife)
	refuse(o.Overlap < 0 || o.Overlap >= o.CredentialLife,
		"Overlap %s: must be between 0 and CredentialLife (Predecessors: -1 means none)", o.Overlap)
	refuse(o.ResetHour < 0 || o.ResetHour > 23, "ResetHour %d: must be 0 to 23", o.ResetHour)
	refuse(!oneOf(o.ForceOver, ForceOverErrcode, ForceOverCurrent),
		"ForceOver %q: must be %q or %q", o.ForceOver, ForceOverErrcode, ForceOverCurrent)
	refuse(o.TicketEarly < 0 || o.TicketEarly >= o.CredentialLife, "TicketEarly %s: must be between 0 and CredentialLife", o.TicketEarly)
	refuse(o.SignatureMaxAge < 0, "SignatureMaxAge %s: must not be negative", o.SignatureMaxAge)
	refuse(o.LedgerSize < 1, "LedgerSize %d: must be at least 1", o.LedgerSize)
	seen := map[string]bool{}
	for i, a := range o.Accounts {
		refuse(seen[a.AppID], "Accounts[%d]: AppID %q is there twice", i, a.AppID)
		seen[a.AppID] = true
		if err := a.check(); err != nil {
			faults = append(faults, fmt.Errorf("%w: Accounts[%d]: %w", ErrOptions, i, err))
		}
	}
	return errors.Join(faults...)
}

func (a Account) check() error {
	if a.AppID == "" || strings.ContainsAny(a.AppID, " \t\r\n&#%") {
		return fmt.Errorf("AppID %q: must be a plain word like wx0123456789abcdef", a.AppID)
	}
	if a.Secret == "" {
		return errors.New("secret: must not be empty")
	}
	if err := checkAgentID(a.AppID); err != nil {
		return err
	}
	if _, agent := isAgent(a.AppID); agent {
		return a.checkAgent()
	}
	if !oneOf(a.TokenErrcode, 0, 40243, 50004, 50007, 61024, 89501, 89502, 89503, 89504, 89505, 89506, 89507) {
		return fmt.Errorf("TokenErrcode %d: must be 40243, 50004, 50007, 61024 or 89501 to 89507", a.TokenErrcode)
	}
	if !oneOf(a.TicketErrcode, 0, 48001, 50002, 61004) {
		return fmt.Errorf("TicketErrcode %d: must be 48001, 50002 or 61004", a.TicketErrcode)
	}
	return a.checkLists()
}

func (a Account) checkAgent() error {
	if !oneOf(a.TokenErrcode, 0, 50003) || !oneOf(a.TicketErrcode, 0, 48002, 301002) {
		return fmt.Errorf("TokenErrcode %d, TicketErrcode %d: must be 50003, and 48002 or 301002, for an agent of WeCom", a.TokenErrcode, a.TicketErrcode)
	}
	return a.checkLists()
}

func (a Account) checkLists() error {
	_, err := parseDomains(a.Domains)
	if err == nil {
		_, err = parseIPs(a.AllowedIPs)
	}
	return err
}

// parseIPs reads the entries of the API IP list. As in the console, neither
// "1.2.3.*" nor "1.2.3.4:80" is an entry.
func parseIPs(entries []string) ([]netip.Prefix, error) {
	list := make([]netip.Prefix, 0, len(entries))
	for _, entry := range entries {
		if addr, err := netip.ParseAddr(entry); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(entry)
		if err != nil {
			return nil, fmt.Errorf("allowed IPs: %q is neither an IP address nor a CIDR range", entry)
		}
		list = append(list, prefix.Masked())
	}
	return list, nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func oneOf[T comparable](v T, set ...T) bool {
	return slices.Contains(set, v)
}
