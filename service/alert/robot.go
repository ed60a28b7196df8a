package alert

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wxsign/wxsign/service/outbound"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/webhook"
)

// What a robot takes (WeCom's page 群机器人配置说明): 4096 bytes of Markdown, 20
// messages a minute.
const (
	mostMarkdown  = 4096
	robotMessages = 20
	robotMinute   = time.Minute
)

// Robot tells a WeCom group, by the robot that was added to it.
type Robot struct {
	url    secret.Secret   // holds the robot's key
	keys   []secret.Secret // what the url holds behind the question mark
	name   string
	client webhook.Doer

	mu   sync.Mutex
	sent []time.Time // in the last minute
}

// NewRobot checks the URL; client must not follow redirects.
func NewRobot(address secret.Secret, client webhook.Doer) (*Robot, error) {
	parsed, err := url.Parse(address.Reveal())
	if err != nil || parsed.Host == "" || client == nil {
		return nil, errors.New("alert: the WeCom robot needs the url from its page, and a client")
	}
	sum := sha256.Sum256([]byte(address.Reveal()))
	r := &Robot{url: address, name: "robot:" + hex.EncodeToString(sum[:6]), client: client}
	for _, values := range parsed.Query() {
		for _, value := range values {
			r.keys = append(r.keys, secret.New(value))
		}
	}
	return r, nil
}

// Name implements outbox.Channel.
func (r *Robot) Name() string { return r.name }

// Label implements Receiver.
func (r *Robot) Label() string { return "WeCom robot" }

// Wants implements Receiver.
func (r *Robot) Wants(eventType string) bool {
	return eventType == webhook.AlertRaised || eventType == webhook.AlertCleared
}

// Deliver implements outbox.Channel.
func (r *Robot) Deliver(ctx context.Context, m outbox.Message) error {
	e, err := readEvent(m)
	if err != nil {
		return err
	}
	if wait := r.take(); wait > 0 {
		return &outbox.LaterError{After: wait, Err: fmt.Errorf("the robot takes %d messages a minute", robotMessages)}
	}
	body, err := json.Marshal(map[string]any{"msgtype": "markdown", "markdown": map[string]string{"content": markdown(&e)}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: alert.wecom_robot.url is not a url", outbox.ErrRefused)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("the WeCom robot was not reached: %w", outbound.Cause(err))
	}
	defer func() { _ = answer.Body.Close() }()
	return r.judge(answer)
}

// take is how long to wait before the next message; 0 = it may go now, and counts.
func (r *Robot) take() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for len(r.sent) > 0 && now.Sub(r.sent[0]) >= robotMinute {
		r.sent = r.sent[1:]
	}
	if len(r.sent) >= robotMessages {
		return robotMinute - now.Sub(r.sent[0])
	}
	r.sent = append(r.sent, now)
	return 0
}

// The robot's errcodes (WeCom's page 全局错误码): too many messages, and a key that
// is none.
const (
	robotTooMany    = 45009
	robotInvalidKey = 93000
)

// judge says what an answer means. What the robot says may repeat its own url.
func (r *Robot) judge(answer *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("the WeCom robot broke off its answer: %w", outbound.Cause(err))
	}
	var said struct {
		Errcode *int   `json:"errcode"`
		Errmsg  string `json:"errmsg"`
	}
	if answer.StatusCode != http.StatusOK || json.Unmarshal(raw, &said) != nil || said.Errcode == nil {
		return fmt.Errorf("the WeCom robot answered %d, without an errcode: is alert.wecom_robot.url that of a robot?", answer.StatusCode)
	}
	switch *said.Errcode {
	case 0:
		return nil
	case robotTooMany:
		return &outbox.LaterError{After: robotMinute, Err: fmt.Errorf("the WeCom robot has had its %d messages of this minute (errcode %d)", robotMessages, robotTooMany)}
	case robotInvalidKey:
		return fmt.Errorf("%w: the WeCom robot is not there any more (errcode %d): copy its new url to alert.wecom_robot.url", outbox.ErrRefused, robotInvalidKey)
	}
	return fmt.Errorf("%w: the WeCom robot answered errcode %d: %.200s", outbox.ErrRefused, *said.Errcode, secret.Hide(strings.ToValidUTF8(said.Errmsg, ""), r.keys...))
}

// plain keeps what accounts and receivers are called, and what they say, from being
// Markdown: a name with <@all> would call everybody.
var plain = strings.NewReplacer("<", "＜", ">", "＞", "[", "［", "]", "］", "`", "'", "*", "＊", "#", "＃", "\r", " ", "\n", " ")

// markdown is a message as the robot shows it, Chinese first.
func markdown(e *Event) string {
	head := map[bool]map[string]string{
		true:  {Critical: "<font color=\"info\">✔ 已恢复</font>", Warning: "<font color=\"info\">✔ 已恢复</font>"},
		false: {Critical: "<font color=\"warning\">● 严重</font>", Warning: "<font color=\"comment\">● 警告</font>"},
	}[e.IsCleared()][e.Severity]
	var b strings.Builder
	fmt.Fprintf(&b, "%s **%s**\n", head, plain.Replace(e.Chinese.Title))
	if e.IsCleared() {
		fmt.Fprintf(&b, "> 自 %s 起，现已恢复。\n", e.local(e.Since))
	} else {
		fmt.Fprintf(&b, "> 起始：%s\n%s\n**影响**：%s\n**处理**：%s\n", e.local(e.Since),
			plain.Replace(e.Chinese.What), plain.Replace(e.Chinese.Means), plain.Replace(e.Chinese.Do))
		fmt.Fprintf(&b, "\n%s. %s %s\n", plain.Replace(e.English.Title), plain.Replace(e.English.What), plain.Replace(e.English.Do))
	}
	text := b.String()
	link := ""
	if e.Panel != "" {
		link = fmt.Sprintf("\n[wxsign](%s)", e.Panel)
	}
	return cutBytes(text, mostMarkdown-len(link)) + link
}

// cutBytes shortens a text to so many bytes, at the end of a letter.
func cutBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
