package keeper_test

import (
	"testing"

	"github.com/wxsign/wxsign/service/keeper"
)

// WeChat's mends are whole sentences; what is built with them has one full stop.
func TestReasonsEndOnce(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"there is no live access_token at the moment: ask the console": &keeper.NotReady{Kind: keeper.KindAccessToken, Reason: "ask the console."},
		"there is no live ticket at the moment":                        &keeper.NotReady{Kind: keeper.KindJSAPI},
		"the value could not be refreshed: ask the console":            &keeper.RefreshFailed{Reason: "ask the console."},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
