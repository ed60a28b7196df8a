package secret

import (
	"net/url"
	"strings"
)

// leastHidden is the length of the shortest secret that Hide looks for: a shorter
// one would tear words apart, and tells more by what is missing.
const leastHidden = 4

// Hide takes secrets out of a text that somebody else has written: servers repeat
// what they were sent. It finds them as they are and escaped for a URL.
func Hide(text string, secrets ...Secret) string {
	for _, s := range secrets {
		value := s.Reveal()
		if len(value) < leastHidden {
			continue
		}
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	return text
}
