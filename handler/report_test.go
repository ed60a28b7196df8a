package handler_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/signature"
)

// oneOwner owns the pages of one host.
type oneOwner struct{}

func (oneOwner) Owner(r signature.Request) (string, error) {
	if !strings.HasPrefix(r.URL, "https://h5.example.com/") || !r.Exact {
		return "", signature.ErrDomainNotAllowed
	}
	return "wx1", nil
}

// tickets are a number of reports that an account may send.
type tickets struct{ left int }

func (n *tickets) Take(string) (time.Duration, bool) {
	n.left--
	return time.Second, n.left >= 0
}

func TestPageReport(t *testing.T) {
	t.Parallel()
	desk, shelf := newDesk(t)
	reports := handler.NewPageReports(oneOwner{}, desk, &tickets{1})
	engine := gin.New()
	engine.POST("/jssdk/report", handler.Func(reports.Post).Gin)
	body := func(page string) string {
		return fmt.Sprintf(`{"profile":"album","page_url":%q,"client":"ios","verdict":"failed","detail":"{}"}`, page)
	}
	for _, tt := range []struct {
		name, body, origin string
		status             int
		code               string
	}{
		{"another account's page", body("https://elsewhere.example/"), "https://elsewhere.example", http.StatusForbidden, "domain_not_allowed"},
		{"not where it was sent from", body("https://h5.example.com/a"), "https://elsewhere.example", http.StatusBadRequest, "report_invalid"},
		{"no browser", body("https://h5.example.com/a"), "", http.StatusBadRequest, "report_invalid"},
		{"more than there is", `{"nonce":"n"}`, "https://h5.example.com", http.StatusBadRequest, "json_invalid"},
		{"too much", body("https://h5.example.com/" + strings.Repeat("a", 4096)), "", http.StatusRequestEntityTooLarge, "body_too_large"},
		{"good", body("https://h5.example.com/a?b=1#c"), "https://h5.example.com", http.StatusNoContent, ""},
		{"one too many", body("https://h5.example.com/a"), "https://h5.example.com", http.StatusTooManyRequests, "too_many_requests"},
	} {
		headers := []string{"User-Agent: MicroMessenger/8.0.49", "Content-Type: text/plain;charset=UTF-8"}
		if tt.origin != "" {
			headers = append(headers, "Origin: "+tt.origin)
		}
		res := ask(engine, http.MethodPost, "/jssdk/report", tt.body, headers...)
		if res.Code != tt.status || !strings.Contains(res.Body.String(), tt.code) {
			t.Errorf("%s: %d %s", tt.name, res.Code, res.Body)
		}
	}
	want := []model.QAReport{{
		AppID: "wx1", Profile: "album", PageURL: "https://h5.example.com/a?b=1#c", UserAgent: "MicroMessenger/8.0.49",
		Client: "page ios", Verdict: "failed", Detail: "{}",
	}}
	if diff := cmp.Diff(want, shelf.rows); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}
