package pageurl_test

import (
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

const benchPage = "https://h5.example.com/%E5%88%86%E4%BA%AB?x=%E4%B8%AD&from=singlemessage"

func TestParseAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts the allocations of the whole program
	all := patterns(t, "*.example.org,h5.example.com")
	got := testing.AllocsPerRun(1000, func() {
		u, err := pageurl.Parse(benchPage)
		if verdict(all, u, err) != nil {
			t.Fatal(err)
		}
	})
	if got > 0 {
		t.Errorf("Parse and Match allocate %v times", got)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pageurl.Parse(benchPage); err != nil {
			b.Fatal(err)
		}
	}
}
