package handler_test

import (
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/web"
)

// Every word that the checker can say has its texts in both languages.
func TestCheckerHasWords(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "zh"} {
		raw, err := fs.ReadFile(web.Admin(), "text/checker."+language+".json")
		if err != nil {
			t.Fatal(err)
		}
		var words map[string]string
		if err := json.Unmarshal(raw, &words); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, cause := range signature.Causes() {
			keys = append(keys, "checker.cause."+string(cause)+".title")
			if language != "en" { // in English the check's own words are shown
				keys = append(keys, "checker.cause."+string(cause)+".mend")
			}
		}
		for _, hint := range signature.Hints() {
			keys = append(keys, "checker.hint."+string(hint))
		}
		for _, contrast := range signature.Contrasts() {
			keys = append(keys, "checker.contrast."+string(contrast))
		}
		for _, key := range keys {
			if words[key] == "" {
				t.Errorf("text/checker.%s.json has no %q", language, key)
			}
		}
	}
}
