package pageurl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

// errNoMatch stands in the tables for "Parse takes it, but no entry matches".
var errNoMatch = errors.New("no pattern matches")

// page is one row: a URL, the domain entries of the account it is meant for
// (comma-separated) and the expected refusal, nil for a legal one.
type page struct {
	url, domains string
	want         error
}

func patterns(t testing.TB, domains string) []pageurl.Pattern {
	t.Helper()
	var all []pageurl.Pattern
	for text := range strings.SplitSeq(domains, ",") {
		p, err := pageurl.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// verdict is what an account with these entries makes of a page.
func verdict(all []pageurl.Pattern, u pageurl.URL, err error) error {
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Match(u, false) {
			return nil
		}
	}
	return errNoMatch
}

func checkHostile(t *testing.T, table []page) {
	t.Helper()
	for _, row := range table {
		all := patterns(t, row.domains)
		u, err := pageurl.Parse(row.url)
		if got := verdict(all, u, err); !errors.Is(got, row.want) {
			t.Errorf("%q on %s: %v (host %q), want %v", row.url, row.domains, got, u.Hostname(), row.want)
		}
		if errors.Is(row.want, pageurl.ErrEscapedHTML) {
			continue // only exact=1 opens these, see TestParseExact
		}
		u, err = pageurl.ParseExact(row.url)
		if verdict(all, u, err) == nil {
			t.Errorf("%q on %s: ParseExact lets it through", row.url, row.domains)
		}
	}
}

// The contract promises at least 200 hostile and 50 legal URLs, each only once.
func TestTablesAreLargeEnough(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]struct {
		rows  [][]page
		least int
	}{
		"hostile": {[][]page{hostileForms, hostileHosts, hostileNumbers, hostileUnicode, hostilePaths}, 200},
		"legal":   {[][]page{legal}, 50},
	} {
		seen := map[page]bool{}
		for _, rows := range table.rows {
			for _, row := range rows {
				if seen[row] {
					t.Errorf("%s: %q on %s stands there twice", name, row.url, row.domains)
				}
				seen[row] = true
			}
		}
		if len(seen) < table.least {
			t.Errorf("%d %s URLs, want at least %d", len(seen), name, table.least)
		}
		t.Logf("%d %s URLs", len(seen), name)
	}
}
