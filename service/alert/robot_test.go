package alert_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/secret"
)

const robotKey = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"

// event is a message about an alert with everything in it.
func event(t *testing.T, change func(e *alert.Event)) outbox.Message {
	t.Helper()
	e := alert.Event{
		AlertID: "abc", Alert: "refused", Severity: alert.Critical, Since: time.Unix(1_700_000_000, 0).UTC(), Zone: 8 * 3600,
		Panel:   "https://w.example.com/admin/alerts",
		English: alert.Words{Title: "WeChat refuses shop", What: "errcode 40164.", Means: "Pages stop.", Do: "Add the address."},
		Chinese: alert.Words{Title: "微信拒绝了店铺", What: "errcode 40164。", Means: "页面不可用。", Do: "添加 IP。"},
	}
	e.ID, e.Type, e.At = "abc-raised-critical", "alert.raised", time.Unix(1_700_000_060, 0).UTC()
	if change != nil {
		change(&e)
	}
	body, err := json.Marshal(e)
	must(t, err)
	return outbox.Message{EventID: e.ID, Channel: "c", Type: e.Type, At: e.At, Body: body}
}

// robot answers every message with the text and returns what it was told last.
func robot(t *testing.T, status int, answer string) (*alert.Robot, *string) {
	t.Helper()
	var told string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Query().Get("key") != robotKey ||
			r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s, %v", r.Method, r.Header, err)
		}
		var m struct {
			Msgtype  string
			Markdown struct{ Content string }
		}
		if json.Unmarshal(raw, &m) != nil || m.Msgtype != "markdown" {
			t.Errorf("not Markdown: %s", raw)
		}
		told = m.Markdown.Content
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	bot, err := alert.NewRobot(secret.New(server.URL+"/cgi-bin/webhook/send?key="+robotKey), server.Client())
	must(t, err)
	return bot, &told
}

func TestRobot(t *testing.T) {
	t.Parallel()
	bot, told := robot(t, http.StatusOK, `{"errcode":0,"errmsg":"ok"}`)
	must(t, bot.Deliver(t.Context(), event(t, nil)))
	for _, want := range []string{
		"严重", "微信拒绝了店铺", "2023-11-15 06:13:20 +08:00", "添加 IP", "Add the address", "(https://w.example.com/admin/alerts)",
	} {
		if !strings.Contains(*told, want) {
			t.Errorf("the robot does not say %q:\n%s", want, *told)
		}
	}
	must(t, bot.Deliver(t.Context(), event(t, func(e *alert.Event) { e.Type = "alert.cleared" })))
	if !strings.Contains(*told, "已恢复") || strings.Contains(*told, "添加 IP") {
		t.Errorf("the end:\n%s", *told)
	}
	must(t, bot.Deliver(t.Context(), event(t, func(e *alert.Event) {
		e.Chinese.Title = "<@all> [x](https://evil.example)\n**b**"
		e.Chinese.What = strings.Repeat("长", 3000)
	})))
	if strings.Contains(*told, "<@all>") || strings.Contains(*told, "](https://evil") || len(*told) > 4096 || !utf8.ValidString(*told) ||
		!strings.HasSuffix(*told, "(https://w.example.com/admin/alerts)") {
		t.Errorf("%d bytes:\n%.300s", len(*told), *told)
	}
}

func TestRobotRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, answer string
		status       int
		refused      bool
		later        bool
		want         string
	}{
		{"too many", `{"errcode":45009,"errmsg":"api freq out of limit"}`, http.StatusOK, false, true, "20 messages"},
		{"the robot is gone", `{"errcode":93000,"errmsg":"invalid webhook url"}`, http.StatusOK, true, false, "copy its new url"},
		{"something else", `{"errcode":40058,"errmsg":"markdown.content exceed max length"}`, http.StatusOK, true, false, "40058"},
		{"it repeats its url", `{"errcode":40058,"errmsg":"no, /send?key=` + robotKey + `"}`, http.StatusOK, true, false, "send?key=[redacted]"},
		{"no robot", `<html>`, http.StatusOK, false, false, "without an errcode"},
		{"broken", `{"errcode":0}`, http.StatusBadGateway, false, false, "502"},
	} {
		bot, _ := robot(t, tt.status, tt.answer)
		err := bot.Deliver(t.Context(), event(t, nil))
		_, later := errors.AsType[*outbox.LaterError](err)
		if err == nil || errors.Is(err, outbox.ErrRefused) != tt.refused || later != tt.later || !strings.Contains(err.Error(), tt.want) ||
			strings.Contains(err.Error(), robotKey) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	gone, err := alert.NewRobot(secret.New("http://127.0.0.1:1/send?key="+robotKey), &http.Client{Timeout: time.Minute})
	must(t, err)
	if err := gone.Deliver(t.Context(), event(t, nil)); err == nil || strings.Contains(err.Error(), robotKey) {
		t.Errorf("not reached: %v", err)
	}
}

// The 21st message of a minute waits, without asking the robot.
func TestRobotMinute(t *testing.T) {
	t.Parallel()
	bot, told := robot(t, http.StatusOK, `{"errcode":0}`)
	for range 20 {
		must(t, bot.Deliver(t.Context(), event(t, nil)))
	}
	*told = ""
	err := bot.Deliver(t.Context(), event(t, nil))
	later, is := errors.AsType[*outbox.LaterError](err)
	if !is || later.After <= 0 || later.After > time.Minute || *told != "" {
		t.Errorf("%v, told %q", err, *told)
	}
}

func TestForeignBodies(t *testing.T) {
	t.Parallel()
	bot, _ := robot(t, http.StatusOK, `{"errcode":0}`)
	if err := bot.Deliver(context.Background(), outbox.Message{Body: []byte("x")}); !errors.Is(err, outbox.ErrRefused) {
		t.Errorf("%v", err)
	}
}
