package handler

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/account/rules"
)

// maxAccountForm is the longest form of an account, in bytes.
const maxAccountForm = 256 << 10

// mostProfileFields bounds the profiles that one form is read for.
const mostProfileFields = 60

// accountForm is an account as it is typed: what cannot be understood is kept
// for the person to mend. The AppSecret is not in it: it is typed again.
type accountForm struct {
	New       bool
	Rev       int64
	Platform  string
	AppID     string
	CorpID    string
	AgentID   string
	Name      string
	Mode      string
	Tickets   []string
	Domains   string // one on a line
	AllowHTTP bool
	Profiles  []profileForm

	Faults    map[string][]account.FieldFault // by field; a profile's by profileField
	Overtaken []string                        // fields that somebody else has changed meanwhile, in their order
	Theirs    map[string]string               // what those have now
}

// profileForm is a profile as it is typed.
type profileForm struct {
	Name  string
	APIs  string
	Tags  string
	Debug bool
	Drop  bool
}

// Blank reports whether nothing is written in the fields.
func (f profileForm) Blank() bool { return f.Name == "" && f.APIs == "" && f.Tags == "" }

// profileField is how the faults of a profile are kept.
func profileField(name string) string { return account.FieldProfiles + "." + name }

// NewAccountPage answers GET /admin/new-account.
func (p *Panel) NewAccountPage(c *gin.Context) error {
	return p.render(c, http.StatusOK, "accountform", accountForm{
		New: true, Platform: rules.PlatformOfficialAccount, Mode: rules.TokenModeStable, Tickets: []string{rules.TicketJSAPI},
		Profiles: []profileForm{{Name: rules.DefaultProfile, APIs: strings.Join(rules.DefaultAPIs(), "\n")}, {}},
	})
}

// NewAccount answers POST /admin/new-account.
func (p *Panel) NewAccount(c *gin.Context) error {
	form, err := readAccountForm(c)
	if err != nil {
		return err
	}
	form.New = true
	if c.Request.PostFormValue("more") != "" {
		return p.render(c, http.StatusOK, "accountform", form.withBlank())
	}
	settings, faults := form.settings()
	if len(faults) > 0 {
		return p.faulty(c, form, faults)
	}
	appID, err := p.options.Accounts.Create(c.Request.Context(), p.by(c), settings, c.Request.PostFormValue("secret"))
	if invalid, is := errors.AsType[*account.InvalidError](err); is {
		return p.faulty(c, form, invalid.Faults)
	}
	if errors.Is(err, account.ErrTaken) {
		field := account.FieldAppID
		if form.Platform == rules.PlatformWeCom {
			field = account.FieldAgentID
		}
		taken := rules.Fault{Code: "taken", Problem: "is that of another account", Mend: "open that account, or choose another AppID"}
		return p.faulty(c, form, []account.FieldFault{{Field: field, Fault: taken}})
	}
	if err != nil {
		return err
	}
	return done(c, appID, "created")
}

// EditAccountPage answers GET /admin/accounts/{app_id}/edit.
func (p *Panel) EditAccountPage(c *gin.Context) error {
	view, err := p.options.Accounts.View(c.Request.Context(), c.Param("app_id"))
	switch {
	case err != nil:
		return err
	case view.FromFile:
		return account.ErrFromFile
	}
	return p.render(c, http.StatusOK, "accountform", formOf(view).withBlank())
}

// EditAccount answers POST /admin/accounts/{app_id}/edit.
func (p *Panel) EditAccount(c *gin.Context) error {
	form, err := readAccountForm(c)
	if err != nil {
		return err
	}
	appID := c.Param("app_id")
	view, err := p.options.Accounts.View(c.Request.Context(), appID)
	if err != nil {
		return err
	}
	form.AppID, form.Platform, form.CorpID = view.AppID, view.Platform, ""
	if c.Request.PostFormValue("more") != "" {
		return p.render(c, http.StatusOK, "accountform", form.withBlank())
	}
	settings, faults := form.settings()
	if len(faults) > 0 {
		return p.faulty(c, form, faults)
	}
	changed, err := p.options.Accounts.Edit(c.Request.Context(), p.by(c), form.Rev, settings)
	if invalid, is := errors.AsType[*account.InvalidError](err); is {
		return p.faulty(c, form, invalid.Faults)
	}
	switch {
	case errors.Is(err, account.ErrOvertaken):
		return p.overtaken(c, form)
	case err != nil:
		return err
	case !changed:
		return done(c, appID, "same")
	}
	return done(c, appID, "edited")
}

// overtaken shows the form again beside what somebody else has stored: saving it
// once more is then a choice.
func (p *Panel) overtaken(c *gin.Context, form accountForm) error {
	view, err := p.options.Accounts.View(c.Request.Context(), c.Param("app_id"))
	if err != nil {
		return err
	}
	stored, typed := formOf(view), form
	form.Rev, form.Theirs = view.Rev, map[string]string{}
	for _, field := range []struct{ name, mine, theirs string }{
		{account.FieldName, typed.Name, stored.Name},
		{account.FieldMode, typed.Mode, stored.Mode},
		{account.FieldTickets, strings.Join(typed.Tickets, ", "), strings.Join(stored.Tickets, ", ")},
		{account.FieldDomains, strings.Join(listed(typed.Domains), " "), strings.Join(listed(stored.Domains), " ")},
		{account.FieldHTTP, strconv.FormatBool(typed.AllowHTTP), strconv.FormatBool(stored.AllowHTTP)},
		{account.FieldProfiles, profileText(typed.Profiles), profileText(stored.Profiles)},
	} {
		if field.mine != field.theirs {
			form.Overtaken = append(form.Overtaken, field.name)
			form.Theirs[field.name] = field.theirs
		}
	}
	return p.render(c, http.StatusConflict, "accountform", form)
}

// profileText is what profiles hold, to be compared and read.
func profileText(profiles []profileForm) string {
	var lines []string
	for _, f := range profiles {
		if f.Blank() || f.Drop {
			continue
		}
		line := f.Name + ": " + strings.Join(slices.Concat(listed(f.APIs), listed(f.Tags)), " ")
		if f.Debug {
			line += " debug"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// formOf fills the form with what is stored.
func formOf(v account.View) accountForm {
	form := accountForm{
		Rev: v.Rev, Platform: v.Platform, AppID: v.AppID, Name: v.Name, Mode: v.TokenMode, Tickets: v.Tickets,
		Domains: strings.Join(v.Domains, "\n"), AllowHTTP: v.AllowHTTP,
	}
	names := slices.Sorted(maps.Keys(v.Profiles))
	slices.SortStableFunc(names, func(a, b string) int { // the one that every account has comes first
		switch {
		case a == b:
			return 0
		case a == rules.DefaultProfile:
			return -1
		case b == rules.DefaultProfile:
			return 1
		}
		return 0
	})
	for _, name := range names {
		profile := v.Profiles[name]
		form.Profiles = append(form.Profiles, profileForm{
			Name: name, APIs: strings.Join(profile.JSAPIList, "\n"), Tags: strings.Join(profile.OpenTagList, "\n"), Debug: profile.Debug,
		})
	}
	return form
}

// withBlank makes room for one more profile.
func (form accountForm) withBlank() accountForm {
	if n := len(form.Profiles); n == 0 || !form.Profiles[n-1].Blank() {
		form.Profiles = append(form.Profiles, profileForm{})
	}
	return form
}

func readAccountForm(c *gin.Context) (accountForm, error) {
	if err := readLongForm(c, maxAccountForm); err != nil {
		return accountForm{}, err
	}
	field := func(name string) string {
		return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(c.Request.PostFormValue(name), "\uFFFD"), "\r\n", "\n"))
	}
	posted := c.Request.PostForm //nolint:forbidigo // the fields that readLongForm has read, not http.PostForm
	form := accountForm{
		Rev: revision(c), Platform: field("platform"), AppID: field("app_id"), CorpID: field("corp_id"), AgentID: field("agent_id"),
		Name: field("name"), Mode: field("token_mode"), Tickets: posted["tickets"],
		Domains: field("domains"), AllowHTTP: field("allow_http") != "",
	}
	for i := range mostProfileFields {
		at := fmt.Sprintf("profile.%d.", i)
		if _, sent := posted[at+"name"]; !sent {
			break
		}
		form.Profiles = append(form.Profiles, profileForm{
			Name: field(at + "name"), APIs: field(at + "apis"), Tags: field(at + "tags"),
			Debug: field(at+"debug") != "", Drop: field(at+"drop") != "",
		})
	}
	return form, nil
}

// settings are what the form means. Only what a list of settings cannot hold is
// judged here.
func (form accountForm) settings() (account.Settings, []account.FieldFault) {
	s := account.Settings{
		Platform: form.Platform, AppID: form.AppID, CorpID: form.CorpID, Name: form.Name, TokenMode: form.Mode,
		Tickets: form.Tickets, Domains: listed(form.Domains), AllowHTTP: form.AllowHTTP,
	}
	s.AgentID, _ = strconv.Atoi(form.AgentID) // 0 is refused
	var faults []account.FieldFault
	for _, f := range form.Profiles {
		if f.Blank() || f.Drop && f.Name != rules.DefaultProfile {
			continue
		}
		if s.HasProfile(f.Name) {
			again := rules.Fault{Code: "profile_again", Problem: "is there already", Mend: "choose another name"}
			faults = append(faults, account.FieldFault{Field: account.FieldProfiles, Profile: f.Name, Entry: f.Name, Fault: again})
		}
		s = s.WithProfile(f.Name, listed(f.APIs), listed(f.Tags), f.Debug)
	}
	return s, faults
}

// listed parts what was typed or pasted: lines, a comma list, a JSON list.
func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",，、;；\"'[]", r) })
}

// faulty shows the form again, each fault beside its field.
func (p *Panel) faulty(c *gin.Context, form accountForm, faults []account.FieldFault) error {
	form.Faults = map[string][]account.FieldFault{}
	for _, f := range faults {
		field := f.Field
		if f.Profile != "" || field == account.FieldProfiles {
			field = profileField(f.Profile)
		}
		form.Faults[field] = append(form.Faults[field], f)
	}
	return p.render(c, http.StatusUnprocessableEntity, "accountform", form)
}

// FaultsOf are the faults of a field.
func (form accountForm) FaultsOf(field string) []account.FieldFault { return form.Faults[field] }

// FaultsOfProfile are the faults of a profile.
func (form accountForm) FaultsOfProfile(name string) []account.FieldFault {
	return form.Faults[profileField(name)]
}

// FaultsOfAll are the faults of the profiles as a whole; those of a profile
// without a name stand beside its fields.
func (form accountForm) FaultsOfAll() []account.FieldFault {
	if slices.ContainsFunc(form.Profiles, func(f profileForm) bool { return f.Name == "" && !f.Blank() }) {
		return nil
	}
	return form.Faults[profileField("")]
}

// Has reports whether a kind of ticket is chosen.
func (form accountForm) Has(kind string) bool { return slices.Contains(form.Tickets, kind) }

// TicketKinds are the kinds that can be chosen: of a new account, whose platform
// is chosen beside them, all.
func (form accountForm) TicketKinds() []string {
	if !form.New {
		return rules.Tickets(form.Platform)
	}
	kinds := slices.Concat(rules.Tickets(rules.PlatformOfficialAccount), rules.Tickets(rules.PlatformWeCom))
	slices.Sort(kinds)
	slices.SortStableFunc(kinds, func(a, b string) int { return strings.Compare(ticketOrder(a), ticketOrder(b)) })
	return slices.Compact(kinds)
}

// ticketOrder puts the ticket that everybody needs first.
func ticketOrder(kind string) string {
	if kind == rules.TicketJSAPI {
		return ""
	}
	return kind
}

// Action is where the form is sent.
func (form accountForm) Action() string {
	if form.New {
		return panelPath + "/new-account"
	}
	return accountPath(form.AppID, "edit")
}

// fieldFaults are the faults of a field for the part of the page that lists them.
type fieldFaults struct {
	Field string
	List  []account.FieldFault
}

// Faults gives that part its data.
func (v panelView) Faults(field string, list []account.FieldFault) fieldFaults {
	return fieldFaults{field, list}
}

// FaultText says what is wrong with a field and what to write instead.
func (v panelView) FaultText(f account.FieldFault) string {
	text := v.optional("account.fault."+f.Code+".mend", "")
	if text == "" {
		text = f.Problem + "; " + f.Mend + "."
		if f.Entry == "" {
			text = strings.ToUpper(text[:1]) + text[1:]
		}
	}
	if f.Entry != "" {
		text = "“" + f.Entry + "” " + text
	}
	return text
}
