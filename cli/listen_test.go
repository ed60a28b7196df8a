package cli_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/cli"
)

// Regression: by HTTP/2 a client that took nothing for 15 s lost its relayed calls and
// CSV files, which may rest for 30 s, and everything else on its connection.
func TestAnswersMayRest(t *testing.T) {
	t.Parallel()
	const promised, least = 30 * time.Second, 15 * time.Second
	for name, tt := range map[string]struct{ control, admin, pagesRest bool }{
		"each for itself":                 {true, true, false},
		"business servers ask the pages'": {false, true, true},
		"the panel is with the pages":     {true, false, true},
		"one for all":                     {false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, others := cli.ByteTimeouts(tt.control, tt.admin)
			if rest := pages > promised; rest != tt.pagesRest || pages < least {
				t.Errorf("%s on the pages' listener", pages)
			}
			for _, other := range others {
				if other <= promised {
					t.Errorf("%s on another listener", other)
				}
			}
		})
	}
}
