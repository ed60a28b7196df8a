package simulator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"time"
)

// Kinds of values and the chains they come from.
const (
	kindToken    = "access_token"
	kindJSAPI    = "jsapi"
	kindCard     = "wx_card"
	kindSDK      = "2"
	kindAgent    = "agent_config"
	chainClassic = "classic"
	chainStable  = "stable"
	chainTicket  = "ticket"
	chainAgent   = "gettoken"
)

const (
	tokenBytes    = 100  // 134 base64url characters behind "85_": 137, seen 136 to 160
	ticketBytes   = 64   // 86 base64url characters, as seen
	rememberCount = 4096 // dead values kept per account, at most
)

// value is one token or ticket that was issued. until is when it really dies;
// it is never after expires, the end its holder was told.
type value struct {
	account *account
	appID   string // the account's, readable without the lock
	kind    string
	chain   string
	text    string
	sha256  string
	issued  time.Time
	expires time.Time
	until   time.Time
	killed  string // why until is before expires, in words; "" = it is not
	handed  int    // how many answers carried it
}

func (v *value) alive(now time.Time) bool { return now.Before(v.until) }

// end makes the value die at a moment, if it would not die earlier anyway.
func (v *value) end(at time.Time, why string) {
	if at.Before(v.until) {
		v.until, v.killed = at, why
	}
}

// remaining is the life left by the value's own expiry, in whole seconds,
// rounded down: a client must never believe in more than there is.
func (v *value) remaining(now time.Time) int { return int(v.expires.Sub(now) / time.Second) }

// vault finds every value that is alive or died not long ago.
type vault struct {
	life   time.Duration
	byText map[string]*value
	bySHA  map[string]*value
}

func newVault(life time.Duration) vault {
	return vault{life: life, byText: map[string]*value{}, bySHA: map[string]*value{}}
}

// mint issues a value. It also forgets what is long dead, so that a simulator
// that runs for months does not grow.
func (v *vault) mint(a *account, kind, chain string, now time.Time) *value {
	v.forget(a, now)
	text := randomText(ticketBytes)
	switch {
	case kind == kindAgent:
		text = agentTicketText()
	case chain == chainAgent:
		text = randomText(tokenBytes)
	case kind == kindToken:
		text = "85_" + randomText(tokenBytes)
	}
	expires := now.Add(v.life)
	minted := &value{
		account: a, appID: a.AppID, kind: kind, chain: chain, text: text, sha256: fingerprint(text),
		issued: now, expires: expires, until: expires,
	}
	v.byText[text], v.bySHA[minted.sha256] = minted, minted
	a.issued = append(a.issued, minted)
	return minted
}

// forget drops dead values, oldest first: those dead for longer than one life,
// and those beyond rememberCount.
func (v *vault) forget(a *account, now time.Time) {
	for len(a.issued) > 0 {
		oldest := a.issued[0]
		tooOld := now.Sub(oldest.until) > v.life
		if oldest.alive(now) || (!tooOld && len(a.issued) < rememberCount) {
			return
		}
		a.issued = a.issued[1:]
		delete(v.byText, oldest.text)
		delete(v.bySHA, oldest.sha256)
	}
}

// randomText is n random bytes in the alphabet of WeChat's values, [0-9A-Za-z_-].
func randomText(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // crypto/rand.Read never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(raw)
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// newRID makes a request id: three groups of 8 hex digits, the first of them
// the Unix seconds (observed).
func newRID(now time.Time) string {
	var raw [8]byte
	_, _ = rand.Read(raw[:])
	return fmt.Sprintf("%08x-%x-%x", now.Unix()&math.MaxUint32, raw[:4], raw[4:])
}
