//go:build !race

// The race detector allocates on its own account.

package router_test

import "testing"

// A request may cost at most as many allocations of our own, beyond those of Gin:
// its id (2), the client's network, the decoded page URL, nonce with signature.
const ownAllocations = 6

func TestSigningAllocates(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts the allocations of the whole program
	target := configPath(benchedPage, "")
	gin := testing.AllocsPerRun(1000, served(t, bareGin(), target))
	for name, ask := range map[string]func(){
		"by domain":           served(t, everything(t), target),
		"by app id":           served(t, everything(t), configPath(benchedPage, "&app_id="+shopApp)),
		"from another origin": served(t, everything(t), target, "Origin", "https://h5.example.com"),
		"behind a load proxy": served(t, everything(t), target, "X-Request-Id", "0a1b2c3d4e5f6789"),
	} {
		if got := testing.AllocsPerRun(1000, ask); got > gin+ownAllocations {
			t.Errorf("%s: %v allocations, want at most %d more than the %v of a constant in Gin", name, got, ownAllocations, gin)
		}
	}
}
