package handler_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/service/apikey"
)

// Every draft that the form can send and that apikey refuses has its words in both
// languages, with the entry that is meant.
func TestKeyFaultsHaveWords(t *testing.T) {
	t.Parallel()
	var keys apikey.Keys // a draft is refused before anything is asked
	good := apikey.Draft{Name: "shop", Scopes: []string{"token"}, Accounts: []string{"wxa"}, Life: time.Hour}
	for name, c := range map[string]struct {
		change          func(*apikey.Draft)
		english, zh, in string
	}{
		"name":       {func(d *apikey.Draft) { d.Name = "a b" }, "a name has 1 to 64", "名称须为", ""},
		"many":       {func(d *apikey.Draft) { d.CIDRs = slices.Repeat([]string{"10.0.0.1"}, 501) }, "500", "最多", "500"},
		"scope":      {func(d *apikey.Draft) { d.Scopes = []string{"all"} }, "there is no scope", "没有", "all"},
		"account":    {func(d *apikey.Draft) { d.Accounts = []string{"wxa", "微信"} }, "is no AppID", "不是 AppID", "微信"},
		"network":    {func(d *apikey.Draft) { d.CIDRs = []string{"10.0.0.1", "10.0.0.0/99"} }, "is no network", "不是网段", "10.0.0.0/99"},
		"everywhere": {func(d *apikey.Draft) { d.CIDRs = []string{"0.0.0.0/0"} }, "every address", "所有地址", "0.0.0.0/0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draft := good
			c.change(&draft)
			_, _, err := keys.Create(t.Context(), draft, apikey.Actor{})
			if !errors.Is(err, apikey.ErrDraft) {
				t.Fatalf("error %v, want a refused draft", err)
			}
			for lang, want := range map[string]string{"en": c.english, "zh": c.zh} {
				got, textErr := handler.KeyFault(lang, err)
				if textErr != nil {
					t.Fatal(textErr)
				}
				if !strings.Contains(got, want) || !strings.Contains(got, c.in) || strings.ContainsAny(got, "{}") || got == err.Error() {
					t.Errorf("%s: %q, want %q of %q", lang, got, want, c.in)
				}
			}
		})
	}
}
