package handler

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/web"
)

// examplesPath is where the gallery is; router mounts it.
const examplesPath = "/demo/examples"

// exampleNames are the pages of the gallery, the shortest first.
var exampleNames = []string{"tag", "plain", "history", "vue", "react"}

// What an example has in it to be filled in: helperTag loads the page helper,
// and exampleApp stands for the AppID.
const (
	helperTag  = `<script src="/jssdk/wxsign.js"`
	exampleApp = "wxYOURAPPID"
)

// inlineScript and framework find the scripts that the policy must name, by their
// hash and by their address. Frameworks are pinned by a hash in their tag, too: the
// panel may be on this very origin.
var (
	inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	framework    = regexp.MustCompile(`<script src="(https://[^"]+)"`)
)

// readExamples reads the embedded examples by name.
func readExamples() (map[string]string, error) {
	examples := map[string]string{}
	for _, name := range exampleNames {
		source, err := fs.ReadFile(web.Examples(), name+".html")
		if err != nil {
			return nil, err
		}
		examples[name] = string(source)
	}
	return examples, nil
}

// examplesView is what web/examples/index.html shows.
type examplesView struct {
	demoView

	Examples []exampleView
}

type exampleView struct {
	Name, Title, Line, Source string
	Runs                      []demoChoice
}

// Examples answers GET /demo/examples: the gallery, with the sources.
func (d *Demo) Examples(c *gin.Context) error {
	view, err := d.view(c)
	if err != nil {
		return err
	}
	gallery := &examplesView{demoView: *view}
	gallery.OtherLanguage = address(examplesPath, c.Request.URL.Query(), "lang", view.OtherLang)
	for _, name := range exampleNames {
		entry := exampleView{
			Name: name, Title: words(view.Text, "examples", name, "title"), Line: words(view.Text, "examples", name, "line"),
			Source: d.examples[name],
		}
		for _, run := range append([]string{""}, view.clients()...) {
			label := words(view.Text, "examples", "here")
			if run != "" {
				label = words(view.Text, "systems", run)
			}
			entry.Runs = append(entry.Runs, demoChoice{Name: label, Href: address(examplesPath+"/"+name, c.Request.URL.Query(), "client", run)})
		}
		gallery.Examples = append(gallery.Examples, entry)
	}
	return d.render(c, "index.html", view.text.name, gallery)
}

// Example answers GET /demo/examples/NAME and whatever lies below it, which a
// router in the page may have put into the address.
func (d *Demo) Example(c *gin.Context) error {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.Param("path"), "/"), "/")
	source, known := d.examples[name]
	if !known {
		return ErrNotFound
	}
	view, err := d.view(c)
	if err != nil {
		return err
	}
	body, err := fillExample(source, view)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", examplePolicy(body))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store") // it depends on query and language
	c.Data(http.StatusOK, contentTypes[".html"], []byte(body))
	return nil
}

// fillExample makes an example run here: with the chosen account, and in a
// simulated WeChat where one is asked for.
func fillExample(source string, view *demoView) (string, error) {
	page, err := json.Marshal(map[string]string{
		"client": view.Data.Client, "simulated": view.simulation(), "standin": words(view.Text, "standin"),
	})
	if err != nil {
		return "", fmt.Errorf("example: %w", err)
	}
	var added strings.Builder
	fmt.Fprintf(&added, "<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=%q>\n", view.Asset("examples.css"))
	fmt.Fprintf(&added, "<script type=\"application/json\" id=\"page\">%s</script>\n", page)
	if view.Data.Client != "" {
		fmt.Fprintf(&added, "<script src=%q></script>\n", view.Asset("bridge.js"))
	}
	fmt.Fprintf(&added, "<script src=%q></script>\n<script ", view.Asset("watch.js"))
	if view.Data.Fallback != "" {
		fmt.Fprintf(&added, "data-fallback=%q ", view.Data.Fallback)
	}
	added.WriteString(strings.TrimPrefix(helperTag, "<script "))
	return strings.NewReplacer(helperTag, added.String(), exampleApp, html.EscapeString(view.Data.AppID)).Replace(source), nil
}

// examplePolicy is demoPolicy with the scripts that stand in the page, and the
// frameworks that it loads.
func examplePolicy(body string) string {
	var allowed strings.Builder
	for _, script := range inlineScript.FindAllStringSubmatch(body, -1) {
		sum := sha256.Sum256([]byte(script[1]))
		fmt.Fprintf(&allowed, " 'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:]))
	}
	for _, tag := range framework.FindAllStringSubmatch(body, -1) {
		allowed.WriteString(" " + tag[1])
	}
	return strings.Replace(demoPolicy, "; style-src", allowed.String()+"; style-src", 1)
}
