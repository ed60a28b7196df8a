package cli

import (
	"log/slog"
	"regexp"
	"strings"
)

// Nothing of ours logs a credential. Tencent's own addresses carry them,
// though (?access_token=…&secret=…), and a library that puts such an address
// into an error is one update away: so the log looks at all it is given.
var (
	// secretField finds what stands behind the name of a credential, in an
	// address, a form, JSON or a DSN's words.
	secretField = regexp.MustCompile(`(?i)\b((?:[a-z]+_)?(?:token|secret|ticket)|appsecret|corpsecret|js_code|password|passwd)` +
		`(=|\\?"\s?:\s?\\?")([^&\s"'\\,;}\]]{6,})`)
	// apiKey finds our own keys, wherever they stand.
	apiKey = regexp.MustCompile(`\bwxs_[A-Za-z0-9_-]{8,}`)
	// robotKey is the credential of a WeCom robot.
	robotKey = regexp.MustCompile(`(?i)(webhook/send\?key=)[^&\s"']+`)
)

const masked = "[redacted]"

// maskAttr is for slog.HandlerOptions.ReplaceAttr.
func maskAttr(_ []string, a slog.Attr) slog.Attr {
	var text string
	switch value := a.Value.Any().(type) {
	case string:
		text = value
	case error:
		text = value.Error()
	default:
		return a
	}
	if clean := maskSecrets(text); clean != text {
		a.Value = slog.StringValue(clean)
	}
	return a
}

// maskSecrets is text without what looks like a credential.
func maskSecrets(text string) string {
	if !strings.ContainsAny(text, `="`) && !strings.Contains(text, "wxs_") {
		return text // nearly all of the log; the expressions take longer than a signature
	}
	text = secretField.ReplaceAllString(text, "${1}${2}"+masked)
	text = robotKey.ReplaceAllString(text, "${1}"+masked)
	return apiKey.ReplaceAllString(text, "wxs_"+masked)
}
