package handler

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/auth"
)

const peoplePath = "/people"

// peopleData is what people.html shows.
type peopleData struct {
	People  []auth.Profile
	Roles   []string
	After   string // where this page begins, "" = at the first
	Next    string // address of the page after it, "" = there is none
	Problem string // key of a text below people.problem., "" = none
	Name    string // as it was typed
	Role    string
	Gone    string // who was just removed, "" = nobody
}

// People answers GET /admin/people.
func (p *Panel) People(c *gin.Context) error {
	return p.listPeople(c, http.StatusOK, peopleData{After: c.Query("after"), Gone: c.Query("removed"), Role: auth.RoleViewer})
}

func (p *Panel) listPeople(c *gin.Context, status int, data peopleData) error {
	people, next, err := p.options.People.People(c.Request.Context(), data.After)
	if err != nil {
		return err
	}
	data.People, data.Roles = people, auth.Roles()
	if next != "" {
		data.Next = withQuery(panelPath+peoplePath, "after", next)
	}
	return p.render(c, status, "people", data)
}

// AddPerson answers POST /admin/people.
func (p *Panel) AddPerson(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	name, role := c.Request.PostFormValue("name"), c.Request.PostFormValue("role")
	session, _ := sessionOf(c)
	password, err := p.options.People.AddPerson(c.Request.Context(), session, p.visit(c), name, role)
	if problem := personProblem(err); problem != "" {
		return p.listPeople(c, http.StatusUnprocessableEntity, peopleData{Problem: problem, Name: name, Role: role})
	}
	if err != nil {
		return err
	}
	return p.render(c, http.StatusOK, "people_password", oneTimeData{Name: auth.NameOf(name), Password: password.Reveal(), New: true})
}

// oneTimeData is what people_password.html shows, once.
type oneTimeData struct {
	Name     string
	Password string
	New      bool // the person is
}

// personData is what people_person.html shows.
type personData struct {
	auth.Profile
	Sessions []auth.Device
	Roles    []string
	Self     bool
	Problem  string // key of a text below people.problem., "" = none
	Done     string // key of a text below people.done., "" = nothing was done
}

// doneWords are what an address may say was done.
var doneWords = map[string]bool{"role": true, "enabled": true, "disabled": true, "session": true, "sessions": true}

// OnePerson answers GET /admin/people/:name.
func (p *Panel) OnePerson(c *gin.Context) error {
	done := c.Query("done")
	if !doneWords[done] {
		done = ""
	}
	return p.showPerson(c, http.StatusOK, personData{Done: done})
}

func (p *Panel) showPerson(c *gin.Context, status int, data personData) error {
	session, _ := sessionOf(c)
	profile, err := p.options.People.Profile(c.Request.Context(), c.Param("name"))
	if err != nil {
		return err
	}
	if data.Sessions, err = p.options.People.Sessions(c.Request.Context(), session, profile.Name); err != nil {
		return err
	}
	data.Profile, data.Roles, data.Self = profile, auth.Roles(), profile.Name == session.Person.Name
	return p.render(c, status, "people_person", data)
}

// ChangePerson answers POST /admin/people/:name: what is to be done stands in the
// field do.
func (p *Panel) ChangePerson(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	done, err := p.changePerson(c)
	if problem := personProblem(err); problem != "" {
		return p.showPerson(c, http.StatusUnprocessableEntity, personData{Problem: problem})
	}
	if err != nil || done == "" {
		return err
	}
	return seeOther(c, done)
}

// changePerson does it and returns where to go on, "" where an answer was given.
func (p *Panel) changePerson(c *gin.Context) (next string, err error) {
	people, ctx, name, visit := p.options.People, c.Request.Context(), c.Param("name"), p.visit(c)
	by, _ := sessionOf(c)
	done := func(word string) string { return withQuery(personAddress(name), "done", word) }
	switch c.Request.PostFormValue("do") {
	case "role":
		return done("role"), people.SetRole(ctx, by, visit, name, c.Request.PostFormValue("role"))
	case "enable":
		return done("enabled"), people.SetEnabled(ctx, by, visit, name, true)
	case "disable":
		return done("disabled"), people.SetEnabled(ctx, by, visit, name, false)
	case "end_session":
		return done("session"), people.EndSession(ctx, by, visit, name, c.Request.PostFormValue("session"))
	case "end_sessions":
		return done("sessions"), people.EndSessions(ctx, by, visit, name)
	case "remove":
		if c.Request.PostFormValue("sure") != "yes" {
			return "", errNotSure
		}
		return withQuery(panelPath+peoplePath, "removed", name), people.RemovePerson(ctx, by, visit, name)
	case "password":
		password, err := people.GiveOneTimePassword(ctx, by, visit, name)
		if err != nil {
			return "", err
		}
		return "", p.render(c, http.StatusOK, "people_password", oneTimeData{Name: name, Password: password.Reveal()})
	}
	return "", errForm
}

// errNotSure says that somebody did not say that a removal is meant.
var errNotSure = errors.New("say that you mean it")

// personProblem is the key of the text of a refused change, "" for others.
func personProblem(err error) string {
	for _, row := range []struct {
		err  error
		word string
	}{
		{auth.ErrName, "name"},
		{auth.ErrTaken, "taken"},
		{auth.ErrRole, "role"},
		{auth.ErrLastAdmin, "last_admin"},
		{auth.ErrNoSuchSession, "session"},
		{errNotSure, "sure"},
	} {
		if errors.Is(err, row.err) {
			return row.word
		}
	}
	return ""
}

// PersonAddress is the address of a person's page.
func (v panelView) PersonAddress(name string) string { return personAddress(name) }

func personAddress(name string) string { return panelPath + peoplePath + "/" + url.PathEscape(name) }
