package handler

import (
	"regexp"

	"github.com/wxsign/wxsign/service/signature"
)

// ticketInText finds the value of a jsapi_ticket in any text.
var ticketInText = regexp.MustCompile(`(?i)(jsapi_ticket["']?\s*[:=]\s*["']?)[^&\s"',;}]+`)

// CauseTitle names a cause of a wrong signature.
func (v panelView) CauseTitle(cause signature.Cause) (string, error) {
	return v.T("checker.cause." + string(cause) + ".title")
}

// CauseMend says what to do about it, else in the words of the check itself.
func (v panelView) CauseMend(e signature.Explanation) string {
	return v.optional("checker.cause."+string(e.Cause)+".mend", e.Mistake)
}

// HintText is a hint in words.
func (v panelView) HintText(hint signature.Hint) (string, error) {
	return v.T("checker.hint." + string(hint))
}

// ContrastText says how two URLs differ.
func (v panelView) ContrastText(contrast signature.Contrast) (string, error) {
	return v.T("checker.contrast." + string(contrast))
}
