package handler

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/apikey"
)

const keysPath = "/keys"

// maxKeyForm is the longest form of a key, in bytes: as many accounts and networks
// as a key may have.
const maxKeyForm = 256 << 10

// keyForm is a key to be made, as it was typed.
type keyForm struct {
	Name     string
	Scopes   []string
	All      bool   // every account, later ones too
	Accounts string // otherwise: app_ids, one to a line or with commas
	CIDRs    string
	Days     string // "" = until it is revoked
}

// keysData is what keys.html shows.
type keysData struct {
	Live    []apikey.Key
	Over    []apikey.Key // expired or revoked
	Now     time.Time
	Scopes  []string
	Lives   []string
	Form    keyForm
	Rotates string // name of the key that gets a second one
	Done    string // key of a text below keys.done., "" = nothing was done
	Problem string // key of a text below keys.problem., "" = none
	Why     string // what apikey says, where Problem is "draft"
}

// keyLives are the days that a key may be given; "" is no end.
func keyLives() []string { return []string{"30", "90", "365", ""} }

// KeyList answers GET /admin/keys; ?rotate= is the key that is to be replaced.
func (p *Panel) KeyList(c *gin.Context) error {
	data := keysData{Form: keyForm{Days: "365"}}
	if c.Query("done") == "revoked" {
		data.Done = "revoked"
	}
	return p.showKeys(c, http.StatusOK, data, c.Query("rotate"))
}

func (p *Panel) showKeys(c *gin.Context, status int, data keysData, rotate string) error {
	list, err := p.options.APIKeys.List(c.Request.Context())
	if err != nil {
		return err
	}
	for _, key := range list {
		if key.State != apikey.StateLive {
			data.Over = append(data.Over, key)
			continue
		}
		data.Live = append(data.Live, key)
		if key.ID == rotate {
			data.Form, data.Rotates = keyFormOf(key), key.Name
		}
	}
	slices.SortFunc(data.Over, func(x, y apikey.Key) int { return cmp.Compare(endOf(y).UnixMilli(), endOf(x).UnixMilli()) })
	if c.Request.Method == http.MethodPost { // a form is answered with this page
		c.Set(panelHere, panelPath+keysPath)
	}
	data.Scopes, data.Lives, data.Now = apikey.Scopes(), keyLives(), time.Now()
	return p.render(c, status, "keys", data)
}

// endOf is when a key ended.
func endOf(k apikey.Key) time.Time {
	if !k.Revoked.IsZero() {
		return k.Revoked
	}
	return k.Expires
}

// keyFormOf describes a second key like the one given.
func keyFormOf(k apikey.Key) keyForm {
	f := keyForm{Name: k.Name, Scopes: k.Scopes, CIDRs: strings.Join(k.CIDRs, "\n"), Days: "365", All: slices.Contains(k.Accounts, apikey.AllAccounts)}
	if !f.All {
		f.Accounts = strings.Join(k.Accounts, "\n")
	}
	if k.Expires.IsZero() {
		f.Days = ""
	}
	return f
}

// newKeyData is what keys_new.html shows, once.
type newKeyData struct {
	ID, Name, Key string
}

// CreateKey answers POST /admin/keys. The key is in the answer and nowhere else.
func (p *Panel) CreateKey(c *gin.Context) error {
	if err := readLongForm(c, maxKeyForm); err != nil {
		return err
	}
	form := keyForm{
		Name: strings.TrimSpace(c.Request.PostFormValue("name")), Scopes: c.PostFormArray("scope"),
		All: c.Request.PostFormValue("accounts") == "all", Accounts: c.Request.PostFormValue("app_ids"),
		CIDRs: c.Request.PostFormValue("cidrs"), Days: c.Request.PostFormValue("days"),
	}
	if !slices.Contains(keyLives(), form.Days) {
		return errForm
	}
	id, key, err := p.options.APIKeys.Create(c.Request.Context(), form.draft(), p.keyActor(c))
	switch {
	case errors.Is(err, apikey.ErrTwoLive):
		return p.showKeys(c, http.StatusConflict, keysData{Form: form, Problem: "two"}, "")
	case errors.Is(err, apikey.ErrDraft):
		data := keysData{Form: form, Problem: p.draftProblem(form), Why: p.text(c).keyFault(err)}
		return p.showKeys(c, http.StatusUnprocessableEntity, data, "")
	case err != nil:
		return err
	}
	return p.render(c, http.StatusOK, "keys_new", newKeyData{ID: id, Name: form.Name, Key: key.Reveal()})
}

// draft is the form as apikey wants it.
func (f keyForm) draft() apikey.Draft {
	d := apikey.Draft{Name: f.Name, Scopes: f.Scopes, CIDRs: split(f.CIDRs), Accounts: split(f.Accounts), Life: keyLife(f.Days)}
	if f.All {
		d.Accounts = []string{apikey.AllAccounts}
	}
	return d
}

func keyLife(days string) time.Duration {
	const day = 24 * time.Hour
	return map[string]time.Duration{"30": 30 * day, "90": 90 * day, "365": 365 * day}[days]
}

// split parts what people write one to a line, or with commas or blanks between.
func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '，' || r == ';' || r <= ' ' })
}

// draftProblem is what is missing, or "draft" where apikey's own words say it.
func (p *Panel) draftProblem(f keyForm) string {
	switch {
	case len(f.Scopes) == 0:
		return "scopes"
	case !f.All && len(split(f.Accounts)) == 0:
		return "accounts"
	}
	return "draft"
}

// RevokeKey answers POST /admin/keys/:id/revoke.
func (p *Panel) RevokeKey(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	if c.Request.PostFormValue("sure") != "yes" {
		return p.showKeys(c, http.StatusUnprocessableEntity, keysData{Form: keyForm{Days: "365"}, Problem: "sure"}, "")
	}
	err := p.options.APIKeys.Revoke(c.Request.Context(), c.Param("id"), p.keyActor(c))
	if errors.Is(err, apikey.ErrUnknown) {
		return p.showKeys(c, http.StatusConflict, keysData{Form: keyForm{Days: "365"}, Problem: "gone"}, "")
	}
	if err != nil {
		return err
	}
	return seeOther(c, withQuery(panelPath+keysPath, "done", "revoked"))
}

func (p *Panel) keyActor(c *gin.Context) apikey.Actor {
	session, _ := sessionOf(c)
	visit := p.visit(c)
	return apikey.Actor{Name: session.Person.Name, Address: visit.Address, RequestID: visit.RequestID}
}

// KeyAddress is where a key is replaced or revoked.
func (v panelView) KeyAddress(id, act string) string {
	if act == "rotate" {
		return withQuery(panelPath+keysPath, "rotate", id)
	}
	return panelPath + keysPath + "/" + id + "/" + act
}

// Has reports whether a list holds a word.
func (v panelView) Has(list []string, word string) bool { return slices.Contains(list, word) }

// AccountsText names the accounts of a key.
func (v panelView) AccountsText(k apikey.Key) string {
	if slices.Contains(k.Accounts, apikey.AllAccounts) {
		return v.optional("keys.every", apikey.AllAccounts)
	}
	return strings.Join(k.Accounts, ", ")
}

// NetworksText names the networks that a key may be used from.
func (v panelView) NetworksText(k apikey.Key) string {
	return cmp.Or(strings.Join(k.CIDRs, ", "), v.optional("keys.everywhere", ""))
}
