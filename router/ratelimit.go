package router

import (
	"hash/maphash"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/wxsign/wxsign/handler"
)

// Limiter grants a number of requests a second to each of a bounded number of
// keys; of those that did not come for the longest it forgets the count.
type Limiter struct {
	rate   rate.Limit
	burst  int
	seed   maphash.Seed
	shards [limiterShards]limiterShard
}

// limiterShard has its own lock, so that requests seldom wait for one another.
type limiterShard struct {
	mu      sync.Mutex
	buckets *simplelru.LRU[string, *rate.Limiter]
}

const (
	limiterShards = 64
	// keysPerShard × limiterShards keys take about 10 MB.
	keysPerShard = 1024
)

// NewLimiter makes a Limiter, nil where perSecond is 0: no limit. burst is how
// many requests may come at once, at least 1.
func NewLimiter(perSecond, burst int) *Limiter {
	if perSecond <= 0 {
		return nil
	}
	l := &Limiter{rate: rate.Limit(perSecond), burst: max(burst, 1), seed: maphash.MakeSeed()}
	for i := range l.shards {
		// The only error is for a size below 1.
		l.shards[i].buckets, _ = simplelru.NewLRU[string, *rate.Limiter](keysPerShard, nil)
	}
	return l
}

// Take counts a request of key. Where it is one too many it tells how long to
// wait. A nil Limiter grants everything.
func (l *Limiter) Take(key string) (wait time.Duration, granted bool) {
	if l == nil {
		return 0, true
	}
	bucket := l.bucket(key)
	if bucket.Allow() {
		return 0, true
	}
	// A Reservation tells the time, but is made on the heap.
	reservation := bucket.Reserve()
	if wait = reservation.Delay(); wait > 0 {
		reservation.Cancel()
		return wait, false
	}
	return 0, true
}

// bucket is the one of key, a full one where it was forgotten.
func (l *Limiter) bucket(key string) *rate.Limiter {
	shard := &l.shards[maphash.String(l.seed, key)%limiterShards]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	bucket, found := shard.buckets.Get(key)
	if !found {
		bucket = rate.NewLimiter(l.rate, l.burst)
		shard.buckets.Add(key, bucket)
	}
	return bucket
}

// addressLimits are limits by client address, and what is told of proxies.
type addressLimits struct {
	log                 *slog.Logger
	unnamed, unreadable sync.Once
}

// of limits by client address, an IPv6 one by its /64; clients = nil is no limit.
// Clients that cannot be told apart, because nobody has named the proxy in front
// of them, are counted by proxies, all of one proxy as one; nil = they are only
// limited by what is asked for.
func (a *addressLimits) of(clients, proxies *Limiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		if clients == nil {
			return
		}
		addr, limiter := handler.AddressOf(c), clients
		if behindUnknownProxy(c, addr) {
			a.tellUnnamed(addr)
			limiter = proxies
		} else if !addr.IsValid() {
			a.tellUnreadable(handler.PeerAddressOf(c))
		}
		if wait, granted := limiter.Take(handler.NetworkOf(addr)); !granted {
			handler.Fail(c, &handler.RetryLater{Err: handler.ErrTooManyRequests, After: wait})
		}
	}
}

// tellUnnamed is for the first proxy that nobody has named.
func (a *addressLimits) tellUnnamed(proxy netip.Addr) {
	a.unnamed.Do(func() {
		a.log.Warn("a private address sends X-Forwarded-For and is not trusted, so its clients cannot be told apart: signing is not limited by address, and verification files and reports of the demo page are limited for all of them together: name it in server.trusted_proxies", "address", proxy.String())
	})
}

// tellUnreadable is for the first trusted proxy whose word cannot be read.
func (a *addressLimits) tellUnreadable(proxy netip.Addr) {
	a.unreadable.Do(func() {
		a.log.Warn("a trusted proxy sends an X-Forwarded-For that holds no address where the client's should be, so such clients are limited together and no --cidr of a key lets them in: have it write addresses there", "address", proxy.String())
	})
}

// sharedAddresses is RFC 6598: carrier networks, and the side from which the
// load balancers of some clouds (Alibaba's SLB) reach their back ends.
var sharedAddresses = netip.MustParsePrefix("100.64.0.0/10")

// behindUnknownProxy reports whether the peer seems to be a proxy that nobody
// has named: limiting it as if it were one client would stop everybody.
func behindUnknownProxy(c *gin.Context, client netip.Addr) bool {
	hops := c.Request.Header[forwardedFor]
	if len(hops) == 0 || hops[0] == "" || handler.Forwarded(c) {
		return false
	}
	return client.IsPrivate() || client.IsLoopback() || client.IsLinkLocalUnicast() || sharedAddresses.Contains(client)
}
