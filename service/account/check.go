package account

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account/rules"
)

// The fields of Settings, as faults name them.
const (
	FieldAppID    = "app_id"
	FieldCorpID   = "corp_id"
	FieldAgentID  = "agent_id"
	FieldName     = "name"
	FieldPlatform = "platform"
	FieldSecret   = "secret"
	FieldMode     = "token_mode"
	FieldTickets  = "tickets"
	FieldDomains  = "domains"
	FieldHTTP     = "allow_http"
	FieldProfiles = "profiles"
)

// FieldFault is what is wrong with a field of an account.
type FieldFault struct {
	Field   string
	Profile string // of FieldProfiles: which one
	Entry   string // of a list: which entry, as it was written
	rules.Fault
}

// InvalidError says what is wrong with settings: every fault at once.
type InvalidError struct {
	Faults []FieldFault
}

// Error implements error.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = fmt.Sprintf("%s %s; %s", f.Field, f.Problem, f.Mend)
	}
	return strings.Join(lines, "\n")
}

// Limits of what the panel takes, far above every use: the lists of an account
// are read with each of its edits.
const (
	maxDomains  = 200
	maxProfiles = 50
	maxNames    = 200
)

// checker collects faults.
type checker struct{ faults []FieldFault }

func (c *checker) add(field, entry string, f rules.Fault) {
	if f.Any() {
		c.faults = append(c.faults, FieldFault{Field: field, Entry: entry, Fault: f})
	}
}

func (c *checker) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	return &InvalidError{Faults: c.faults}
}

func tooMany(limit int) rules.Fault {
	return rules.Fault{Code: "too_many", Problem: "has too many entries", Mend: fmt.Sprintf("at most %d", limit)}
}

// check judges all settings but the identity and the secret.
func (c *checker) check(s Settings) {
	c.add(FieldName, "", rules.Name(s.Name))
	if !slices.Contains(rules.TokenModes(), s.TokenMode) {
		c.add(FieldMode, s.TokenMode, rules.Fault{Code: "choice", Problem: "is not one of the choices", Mend: "choose stable or classic"})
	}
	for _, kind := range s.Tickets {
		if !slices.Contains(rules.Tickets(s.Platform), kind) {
			c.add(FieldTickets, kind, rules.Fault{Code: "choice", Problem: "is not a ticket of this platform", Mend: "choose another"})
		}
	}
	if len(s.Domains) > maxDomains {
		c.add(FieldDomains, "", tooMany(maxDomains))
	}
	for _, domain := range s.Domains {
		c.add(FieldDomains, domain, rules.Domain(domain))
	}
	c.checkProfiles(s.Profiles)
}

func (c *checker) checkProfiles(profiles map[string]model.Profile) {
	if len(profiles) > maxProfiles {
		c.add(FieldProfiles, "", tooMany(maxProfiles))
	}
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		before := len(c.faults)
		profile := profiles[name]
		c.add(FieldProfiles, name, rules.ProfileName(name))
		c.add(FieldProfiles, "", rules.Profile(profile.JSAPIList, profile.OpenTagList))
		for _, list := range [][]string{profile.JSAPIList, profile.OpenTagList} {
			if len(list) > maxNames {
				c.add(FieldProfiles, "", tooMany(maxNames))
				continue
			}
			for i := range list {
				c.add(FieldProfiles, list[i], rules.APIName(list, i))
			}
		}
		for i := range c.faults[before:] {
			c.faults[before+i].Profile = name
		}
	}
}

// checkIdentity judges what names the account: the AppID, which on WeCom is
// <corp_id>:<agent_id>.
func (c *checker) checkIdentity(s Settings) {
	switch s.Platform {
	case rules.PlatformOfficialAccount:
		c.add(FieldAppID, s.AppID, rules.AppID(s.AppID))
		if strings.Contains(s.AppID, ":") { // it would be taken for an agent of WeCom
			c.add(FieldAppID, s.AppID, rules.Fault{Code: "app_id_shape", Problem: "has a colon, which only ids of WeCom have", Mend: "choose WeCom as the platform, or copy the AppID again"})
		}
	case rules.PlatformWeCom:
		c.add(FieldCorpID, s.CorpID, rules.AppID(s.CorpID))
		c.add(FieldAgentID, "", rules.AgentID(s.AgentID))
		if strings.Contains(s.CorpID, ":") {
			c.add(FieldCorpID, s.CorpID, rules.Fault{Code: "corp_id_shape", Problem: "has a colon", Mend: "write the corp id and the agent id each into its own field"})
		} else if len(c.faults) == 0 {
			c.add(FieldCorpID, s.CorpID, rules.AppID(s.AppID)) // both together must fit, too
		}
	default:
		c.add(FieldPlatform, s.Platform, rules.Fault{
			Code: "choice", Problem: "is not one of the choices",
			Mend: "choose official_account or wecom",
		})
	}
}

// HasProfile reports whether there is a profile of this name.
func (s Settings) HasProfile(name string) bool {
	_, found := s.Profiles[name]
	return found
}

// WithProfile are the settings with one more profile, or with another one of
// that name.
func (s Settings) WithProfile(name string, apis, tags []string, debug bool) Settings {
	profiles := map[string]model.Profile{}
	maps.Copy(profiles, s.Profiles)
	profiles[name] = model.Profile{JSAPIList: apis, OpenTagList: tags, Debug: debug}
	s.Profiles = profiles
	return s
}

// tidy puts settings into the form in which they are stored.
func (s Settings) tidy() Settings {
	s.Name, s.AppID, s.CorpID = strings.TrimSpace(s.Name), strings.TrimSpace(s.AppID), strings.TrimSpace(s.CorpID)
	if s.Platform == rules.PlatformWeCom {
		s.AppID = fmt.Sprintf("%s:%d", s.CorpID, s.AgentID)
		s.TokenMode = rules.TokenModeStable // it has no effect there
	}
	s.Domains = entries(s.Domains)
	s.Tickets = inOrder(entries(s.Tickets), rules.Tickets(s.Platform))
	profiles := map[string]model.Profile{rules.DefaultProfile: {JSAPIList: rules.DefaultAPIs()}}
	for name, p := range s.Profiles {
		profiles[strings.TrimSpace(name)] = model.Profile{JSAPIList: entries(p.JSAPIList), OpenTagList: entries(p.OpenTagList), Debug: p.Debug}
	}
	s.Profiles = profiles
	return s
}

// entries drops blanks, empty entries and repetitions.
func entries(list []string) []string {
	var kept []string
	for _, entry := range list {
		if entry = strings.TrimSpace(entry); entry != "" && !slices.Contains(kept, entry) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// inOrder sorts a list as the other one, what that does not have last.
func inOrder(list, order []string) []string {
	rank := func(entry string) int {
		if i := slices.Index(order, entry); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(list, func(a, b string) int { return rank(a) - rank(b) })
	return list
}
