package alert

import (
	"fmt"
	"strings"

	"github.com/wneessen/go-mail"
)

// letter is the message with its head; all of one alert are one thread.
func (m *Mail) letter(e *Event) *mail.Msg {
	domain := m.from.Address[strings.LastIndexByte(m.from.Address, '@')+1:]
	letter := mail.NewMsg(mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	letter.FromMailAddress(m.from)
	letter.ToMailAddress(m.to...)
	letter.Subject(subject(e))
	letter.SetDateWithValue(e.At)
	letter.SetMessageIDWithValue(e.ID + "@" + domain)
	letter.SetGenHeader(mail.HeaderReferences, "<"+e.AlertID+"@"+domain+">")
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(mail.TypeTextPlain, letterText(e))
	return letter
}

// subject says the worst first.
func subject(e *Event) string {
	mark := map[string]string{Critical: "严重", Warning: "警告"}[e.Severity]
	if e.IsCleared() {
		mark = "已恢复"
	}
	return "[wxsign " + mark + "] " + e.Chinese.Title
}

// letterText is what people read, in both languages.
func letterText(e *Event) string {
	var b strings.Builder
	since := e.local(e.Since)
	if e.IsCleared() {
		fmt.Fprintf(&b, "%s\n自 %s 起的问题已于 %s 恢复。\n\n%s\nThis began at %s and was over at %s.\n",
			e.Chinese.Title, since, e.local(e.At), e.English.Title, since, e.local(e.At))
	} else {
		fmt.Fprintf(&b, "%s\n\n情况：%s\n起始：%s\n影响：%s\n处理：%s\n\n— — —\n\n", e.Chinese.Title, e.Chinese.What, since, e.Chinese.Means, e.Chinese.Do)
		fmt.Fprintf(&b, "%s\n\nWhat happened: %s\nSince: %s\nFor users: %s\nWhat to do: %s\n", e.English.Title, e.English.What, since, e.English.Means, e.English.Do)
	}
	if e.Panel != "" {
		b.WriteString("\n" + e.Panel + "\n")
	}
	return b.String()
}
