// Package signature signs pages for WeChat's JS-SDK. It is the hot path: one
// lookup in memory and one SHA-1. It takes no lock, and it cannot reach a
// database or the network: a test holds that net/http and database/sql are not
// even linked.
package signature

import (
	"crypto/sha1" //nolint:gosec // WeChat's JS-SDK defines SHA-1; nothing else would verify
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// Sign computes the JS-SDK signature: the lower-case hex SHA-1 of
//
//	jsapi_ticket=T&noncestr=N&timestamp=S&url=U
//
// with every value raw, as JS-SDK documentation, appendix 1 defines it.
// timestamp is in Unix seconds; url is the page URL without its fragment.
func Sign(ticket secret.Secret, nonce string, timestamp int64, url string) string {
	var stack [1024]byte
	return digest(appendString1(stack[:0], ticket.Reveal(), nonce, timestamp, url))
}

// signNew is Sign with a nonce of its own. Both texts are parts of one, so that
// they cost one allocation.
func signNew(ticket secret.Secret, timestamp int64, url string) (nonce, signature string) {
	var stack [1024]byte
	var texts [nonceLength + 2*sha1.Size]byte
	fillNonce(texts[:nonceLength])
	sum := sha1.Sum(appendString1(stack[:0], ticket.Reveal(), texts[:nonceLength], timestamp, url)) //nolint:gosec // see the import
	hex.Encode(texts[nonceLength:], sum[:])
	both := string(texts[:])
	return both[:nonceLength], both[nonceLength:]
}

// nonceLength is in characters, of 5 random bits each.
const nonceLength = 26

// fillNonce writes random capitals and digits. A nonce is no secret: it only keeps
// two signatures of a page apart, and WeChat asks for no more. So it is taken from
// the runtime's ChaCha8, which the system seeds and which needs neither a lock nor
// a system call.
func fillNonce(b []byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	const bits, perWord = 5, 12
	for i := 0; i < len(b); i += perWord {
		word := rand.Uint64() //nolint:gosec // see above
		for j := i; j < min(i+perWord, len(b)); j++ {
			b[j] = alphabet[word%uint64(len(alphabet))]
			word >>= bits
		}
	}
}

// StringToSign is what Sign hashes, with the ticket masked: for people who
// search why a signature differs.
func StringToSign(nonce string, timestamp int64, url string) string {
	return string(appendString1(nil, "***", nonce, timestamp, url))
}

func appendString1[T string | []byte](b []byte, ticket string, nonce T, timestamp int64, url string) []byte {
	b = append(b, "jsapi_ticket="...)
	b = append(b, ticket...)
	b = append(b, "&noncestr="...)
	b = append(b, nonce...)
	b = append(b, "&timestamp="...)
	b = strconv.AppendInt(b, timestamp, 10)
	b = append(b, "&url="...)
	return append(b, url...)
}

// SignCard computes the signature of cards (wx.addCard, wx.chooseCard): the
// lower-case hex SHA-1 of the values, sorted by bytes and joined without
// separators. One of them is the wx_card ticket; leave absent fields out.
func SignCard(ticket secret.Secret, values ...string) string {
	sorted := append([]string{ticket.Reveal()}, values...)
	slices.Sort(sorted)
	return digest([]byte(strings.Join(sorted, "")))
}

func digest(b []byte) string {
	sum := sha1.Sum(b) //nolint:gosec // see the import
	var out [2 * sha1.Size]byte
	hex.Encode(out[:], sum[:])
	return string(out[:])
}
