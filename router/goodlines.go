package router

import (
	"net/netip"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/wxsign/wxsign/handler"
)

// mostVisitors are told apart, which takes about 300 KB.
const mostVisitors = 1000

// goodLines thins the lines of requests that went well, by route, status and
// network. It forgets who did not come for the longest.
type goodLines struct {
	mu    sync.Mutex
	kinds *simplelru.LRU[visitorKind, *thinned]
	// newcomers get in when somebody must be forgotten for them: each network brings a
	// full bucket, and a household in IPv6 may have thousands of networks.
	newcomers *thinned
}

type visitorKind struct {
	route, network string
	status         int
}

func newGoodLines() *goodLines {
	g := &goodLines{newcomers: newThinned()}
	// The only error is for a size below 1. What a forgotten one still had to tell, the
	// next newcomer's line tells.
	g.kinds, _ = simplelru.NewLRU(mostVisitors, func(_ visitorKind, gone *thinned) {
		g.newcomers.skipped.Add(gone.skipped.Load())
	})
	return g
}

// take reports whether a request gets a line, and for how many it stands.
func (g *goodLines) take(route string, status int, client netip.Addr) (sample int64, logged bool) {
	kind := visitorKind{route: route, network: handler.NetworkOf(client), status: status}
	g.mu.Lock()
	defer g.mu.Unlock()
	if lines, known := g.kinds.Get(kind); known {
		return lines.take()
	}
	before := int64(0)
	if g.kinds.Len() >= mostVisitors {
		if sample, logged = g.newcomers.take(); !logged {
			return 0, false
		}
		before = sample - 1
	}
	lines := newThinned()
	g.kinds.Add(kind, lines)
	sample, logged = lines.take()
	return before + sample, logged
}
