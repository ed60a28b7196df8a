package qa

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// NonceLife is how long after the page was shown its verdict is accepted.
const NonceLife = 10 * time.Minute

// minKeySize is what HMAC-SHA256 can make use of, in bytes.
const minKeySize = 32

// noncePurpose keeps a nonce from being anything else that a program makes with
// the same key.
const noncePurpose = "wxsign demo report v1\x00"

// A nonce is the second at which it ends, 8 bytes, and the HMAC of that second
// and the AppID. Nothing is stored, so any replica can check any other's.
const (
	nonceTimeSize = 8
	nonceSize     = nonceTimeSize + sha256.Size
)

// Nonce lets one page report about one account until NonceLife has passed.
func (d *Desk) Nonce(appID string) string {
	end := make([]byte, nonceTimeSize)
	binary.BigEndian.PutUint64(end, uint64(d.now().Add(NonceLife).Unix())) //nolint:gosec // seconds since 1970, positive
	return base64.RawURLEncoding.EncodeToString(append(end, d.mac(end, appID)...))
}

func (d *Desk) validNonce(nonce, appID string) bool {
	if len(nonce) != base64.RawURLEncoding.EncodedLen(nonceSize) {
		return false // line breaks, too, which the decoder would skip
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) != nonceSize {
		return false
	}
	end, mac := raw[:nonceTimeSize], raw[nonceTimeSize:]
	if !hmac.Equal(mac, d.mac(end, appID)) {
		return false
	}
	// Only now is the second one that we wrote.
	return d.now().Unix() < int64(binary.BigEndian.Uint64(end)) //nolint:gosec // as written above
}

func (d *Desk) mac(end []byte, appID string) []byte {
	h := hmac.New(sha256.New, d.key)
	h.Write([]byte(noncePurpose))
	h.Write(end)
	h.Write([]byte(appID))
	return h.Sum(nil)
}
