package handler

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"

	"github.com/wxsign/wxsign/web"
)

// langCookie remembers the language that somebody chose.
const (
	langCookie    = "wxsign_lang"
	langCookieAge = 365 * 24 * time.Hour
)

// panelText is the panel in one language.
type panelText struct {
	name     string // zh, en
	tag      string // zh-CN, en
	words    map[string]string
	handbook *handbook
}

// panelTexts are both languages; the first is for people whose language we do
// not have.
type panelTexts struct {
	all   []panelText
	match language.Matcher
}

func readPanelTexts() (panelTexts, error) {
	t := panelTexts{
		all:   []panelText{{name: "en", tag: "en"}, {name: "zh", tag: "zh-CN"}},
		match: language.NewMatcher([]language.Tag{language.English, language.Chinese}),
	}
	for i := range t.all {
		var err error
		if t.all[i].words, err = readWords(t.all[i].name); err != nil {
			return t, err
		}
		if t.all[i].handbook, err = readHandbook(t.all[i].name); err != nil {
			return t, err
		}
	}
	return t, nil
}

// readWords reads the texts of one language: a file per page, together one
// table. A key has one place.
func readWords(language string) (map[string]string, error) {
	files, err := fs.Glob(web.Admin(), "text/*."+language+".json")
	if err != nil {
		return nil, err
	}
	words := map[string]string{}
	for _, file := range files {
		raw, err := fs.ReadFile(web.Admin(), file)
		if err != nil {
			return nil, err
		}
		var more map[string]string
		if err := json.Unmarshal(raw, &more); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for key, text := range more {
			if _, twice := words[key]; twice {
				return nil, fmt.Errorf("%s: %q stands in another file too", file, key)
			}
			words[key] = text
		}
	}
	return words, nil
}

// text chooses by the cookie and then by Accept-Language.
func (p *Panel) text(c *gin.Context) panelText {
	chosen, _ := c.Cookie(langCookie)
	_, i := language.MatchStrings(p.texts.match, chosen, c.GetHeader("Accept-Language"))
	return p.texts.all[i]
}

// Language remembers ?lang= and sends the browser on to the same page without
// it, so that no address that people pass on carries a language.
func (p *Panel) Language(c *gin.Context) {
	chosen, asked := c.GetQuery("lang")
	if !asked || c.Request.Method != http.MethodGet {
		c.Next()
		return
	}
	for _, t := range p.texts.all {
		if t.name == chosen {
			http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure wherever the way is https
				Name: langCookie, Value: t.tag, Path: panelPath, MaxAge: int(langCookieAge.Seconds()),
				HttpOnly: true, Secure: p.transportOf(c) == encrypted, SameSite: http.SameSiteLaxMode,
			})
		}
	}
	_ = seeOther(c, here(c.Request.URL))
}

// T is a text of the page's language, with %s and %d filled in. A text that is
// not there is an error, so that no page shows its key.
func (v panelView) T(key string, args ...any) (string, error) {
	words, found := v.text.words[key]
	switch {
	case !found:
		return "", fmt.Errorf("text/*.%s.json has no %q", v.text.name, key)
	case len(args) > 0:
		return fmt.Sprintf(words, args...), nil
	}
	return words, nil
}

// With is the view with other data, for a part of a page.
func (v panelView) With(data any) panelView {
	v.D = data
	return v
}

// Lang is the value of the page's lang attribute.
func (v panelView) Lang() string { return v.text.tag }

// OtherLang is the language that the page does not have.
func (v panelView) OtherLang() string {
	for _, t := range v.panel.texts.all {
		if t.name != v.text.name {
			return t.name
		}
	}
	return v.text.name
}

// Switch is the address of this page in the other language.
func (v panelView) Switch() string { return withQuery(v.Here, "lang", v.OtherLang()) }

// Asset is the address of an embedded file, with its version in it.
func (v panelView) Asset(name string) (string, error) {
	file, known := v.panel.assets[name]
	if !known {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return panelPath + "/static/" + name + "?v=" + file.version, nil
}

// Time is an instant as people read it, by the panel's time zone.
func (v panelView) Time(t time.Time) string {
	return t.In(v.panel.options.Location).Format("2006-01-02 15:04:05")
}

// Stamp is an instant as machines read it.
func (v panelView) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Clock is an instant of the day of now, or with its date.
func (v panelView) Clock(t, now time.Time) string {
	t, now = t.In(v.panel.options.Location), now.In(v.panel.options.Location)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("01-02 15:04")
}

// Span is a time as h:mm:ss; admin.js counts it down in the same form.
func (v panelView) Span(d time.Duration) string {
	seconds := int64(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

// Seconds is a time for the bars.
func (v panelView) Seconds(d time.Duration) int64 { return int64(d.Round(time.Second).Seconds()) }

// Zone names the panel's time zone.
func (v panelView) Zone() string {
	_, offset := time.Now().In(v.panel.options.Location).Zone()
	if offset == 0 {
		return "UTC"
	}
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return fmt.Sprintf("UTC%c%02d:%02d", sign, offset/3600, offset/60%60)
}
