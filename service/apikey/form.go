package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"math/big"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// A key is Prefix, 32 random characters of base 62 (190 bits) and the CRC-32 of
// these as 6 more characters. The prefix lets scanners find keys in what people
// publish by accident; the checksum tells a typo or a cut key from one that was
// revoked, and keeps both away from the database.
const (
	// Prefix begins every key.
	Prefix = "wxs_"

	digits         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomLength   = 32
	checksumLength = 6 // 62⁶ > 2³²
	keyLength      = len(Prefix) + randomLength + checksumLength
)

// newKey makes a key that nobody can guess.
func newKey() secret.Secret {
	var key strings.Builder
	key.WriteString(Prefix)
	base := big.NewInt(int64(len(digits)))
	for range randomLength {
		n, err := rand.Int(rand.Reader, base)
		if err != nil {
			panic("crypto/rand failed, which it never does: " + err.Error())
		}
		key.WriteByte(digits[n.Int64()])
	}
	key.WriteString(checksum(key.String()))
	return secret.New(key.String())
}

// wellFormed reports whether raw can be a key of ours at all.
func wellFormed(raw string) bool {
	if len(raw) != keyLength || !strings.HasPrefix(raw, Prefix) {
		return false
	}
	random, sum := raw[:keyLength-checksumLength], raw[keyLength-checksumLength:]
	return strings.Trim(random[len(Prefix):], digits) == "" && sum == checksum(random)
}

// checksum is no secret: anybody may compute it.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var out [checksumLength]byte
	for i := range out {
		out[checksumLength-1-i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
	return string(out[:])
}

// hashOf is what is stored of a key, as hex digits. They become a string only for the
// database: a key that is in memory is found without.
func hashOf(raw string) (hash [2 * sha256.Size]byte) {
	var text [keyLength]byte
	sum := sha256.Sum256(append(text[:0], raw...))
	hex.Encode(hash[:], sum[:])
	return hash
}
