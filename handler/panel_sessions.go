package handler

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/auth"
)

const sessionsPath = "/sessions"

// sessionsData is what sessions.html shows.
type sessionsData struct {
	Sessions []auth.Device
	Problem  bool   // the session to be ended had ended already
	Done     string // key of a text below sessions.done., "" = nothing was done
}

// Sessions answers GET /admin/sessions: where am I signed in?
func (p *Panel) Sessions(c *gin.Context) error {
	done := c.Query("done")
	if done != "one" && done != "others" {
		done = ""
	}
	return p.listSessions(c, http.StatusOK, sessionsData{Done: done})
}

func (p *Panel) listSessions(c *gin.Context, status int, data sessionsData) error {
	session, _ := sessionOf(c)
	var err error
	if data.Sessions, err = p.options.People.Sessions(c.Request.Context(), session, session.Person.Name); err != nil {
		return err
	}
	return p.render(c, status, "sessions", data)
}

// EndSessions answers POST /admin/sessions: ends the session of the field session,
// or all but this one where it is empty.
func (p *Panel) EndSessions(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	session, _ := sessionOf(c)
	if id := c.Request.PostFormValue("session"); id != "" {
		err := p.options.People.EndSession(c.Request.Context(), session, p.visit(c), session.Person.Name, id)
		if errors.Is(err, auth.ErrNoSuchSession) {
			return p.listSessions(c, http.StatusUnprocessableEntity, sessionsData{Problem: true})
		}
		if err != nil {
			return err
		}
		return seeOther(c, panelPath+sessionsPath+"?done=one")
	}
	token, err := p.options.People.EndOthers(c.Request.Context(), session, p.visit(c))
	if errors.Is(err, auth.ErrNoSession) {
		return seeOther(c, panelPath+"/sign-in")
	}
	if err != nil {
		return err
	}
	p.setCookie(c, token)
	return seeOther(c, panelPath+sessionsPath+"?done=others")
}

// deviceNames are words of a user agent and what people call them; the first that
// is found counts, for many claim to be others as well.
var (
	browserNames = []struct{ word, name string }{
		{"MicroMessenger/", "WeChat"},
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systemNames = []struct{ word, name string }{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"HarmonyOS", "HarmonyOS"},
		{"Windows", "Windows"},
		{"Macintosh", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	}
)

// Device is a user agent as people say it: "Firefox · Windows"; "" where nothing in
// it is known.
func (v panelView) Device(userAgent string) string {
	var parts []string
	for _, names := range [][]struct{ word, name string }{browserNames, systemNames} {
		for _, n := range names {
			if strings.Contains(userAgent, n.word) {
				parts = append(parts, n.name)
				break
			}
		}
	}
	return strings.Join(parts, " · ")
}
