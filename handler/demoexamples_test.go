package handler_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

func gallery(t *testing.T, o handler.DemoOptions) http.Handler {
	t.Helper()
	desk, _ := newDesk(t)
	o.Reports, o.Accounts = desk, demoAccounts
	d, err := handler.NewDemo(o)
	if err != nil {
		t.Fatal(err)
	}
	engine := gin.New()
	engine.GET("/demo/examples", handler.Func(d.Examples).Gin)
	engine.GET("/demo/examples/*path", handler.Func(d.Example).Gin)
	engine.GET("/demo/static/*path", handler.Func(d.Asset).Gin)
	return engine
}

// Each inline script runs by its hash, and no other does.
func TestExamplePolicyFitsItsScripts(t *testing.T) {
	t.Parallel()
	server := gallery(t, simulated())
	for _, name := range []string{"tag", "plain", "history", "vue", "react"} {
		res := ask(server, http.MethodGet, "/demo/examples/"+name+"?client=ios&app_id=wx2", "")
		body, policy := res.Body.String(), res.Header().Get("Content-Security-Policy")
		if res.Code != http.StatusOK || strings.Contains(body, "wxYOURAPPID") || !strings.Contains(body, "wx2") {
			t.Errorf("%s: status %d, or not for the chosen account", name, res.Code)
		}
		for _, script := range regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(body, -1) {
			sum := sha256.Sum256([]byte(script[1]))
			if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
				t.Errorf("%s: the policy forbids its script: %s", name, policy)
			}
		}
		loads := strings.Contains(policy, "jsdelivr.net/npm/") // single files, not the whole host
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "jsdelivr.net ") || loads != (name == "vue" || name == "react") {
			t.Errorf("%s: %s", name, policy)
		}
		for _, tag := range regexp.MustCompile(`<script src="https://cdn[^>]*>`).FindAllString(body, -1) {
			if !strings.Contains(tag, `integrity="sha384-`) || !strings.Contains(tag, "crossorigin") {
				t.Errorf("%s: not pinned: %s", name, tag)
			}
		}
		for _, address := range regexp.MustCompile(`(?:src|href|fallback)="(/demo/static/[^"]+)"`).FindAllStringSubmatch(body, -1) {
			if res := ask(server, http.MethodGet, address[1], ""); res.Code != http.StatusOK {
				t.Errorf("%s: %s: %d", name, address[1], res.Code)
			}
		}
	}
}

func TestExamplesWithoutSimulator(t *testing.T) {
	t.Parallel()
	server := gallery(t, handler.DemoOptions{})
	body := ask(server, http.MethodGet, "/demo/examples/plain?client=ios", "").Body.String()
	if strings.Contains(body, "bridge.js") || strings.Contains(body, "data-fallback") {
		t.Error("without the simulator WeChat is simulated")
	}
	for _, path := range []string{"/demo/examples/nothing", "/demo/examples/index", "/demo/examples/", "/demo/examples/../share.html"} {
		if res := ask(server, http.MethodGet, path, ""); res.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.Code)
		}
	}
}

// The gallery shows the sources as they are, and leads to each of them.
func TestGallery(t *testing.T) {
	t.Parallel()
	server := gallery(t, simulated())
	for lang, heading := range map[string]string{"zh": "示例", "en": "Examples"} {
		body := html.UnescapeString(ask(server, http.MethodGet, "/demo/examples?app_id=wx2&lang="+lang, "").Body.String())
		vue := "/demo/examples/vue?app_id=wx2&client=wecom&lang=" + lang
		for _, want := range []string{heading, "appId: 'wxYOURAPPID'", vue, "createWebHistory"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the gallery lacks %s", lang, want)
			}
		}
	}
}
