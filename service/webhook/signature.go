package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The headers of a message.
const (
	SignatureHeader = "X-Wxsign-Signature" // t=<Unix seconds>,v1=<hex HMAC-SHA256 of t, a full stop and the body>
	EventHeader     = "X-Wxsign-Event"     // the event's type
	DeliveryHeader  = "X-Wxsign-Delivery"  // the event's id
)

var (
	// ErrSignature says that a message was not signed with this secret, or was
	// changed on its way.
	ErrSignature = errors.New("the signature does not match")
	// ErrTimestamp says that a signature is too old or from the future: somebody
	// may be replaying an old message, or a clock is wrong.
	ErrTimestamp = errors.New("the signature is too old, or a clock is wrong")
)

// Sign is the value of SignatureHeader for a body that is sent at now.
func Sign(secret string, now time.Time, body []byte) string {
	t := strconv.FormatInt(now.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(digest(secret, t, body))
}

func digest(secret, t string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify checks the header of a message against its body as it came, byte for
// byte, before it was parsed. The error is ErrSignature or ErrTimestamp. A
// tolerance of 5 minutes suits most receivers; it is the time for which they
// must remember the ids of the events that they have seen.
func Verify(secret, header string, body []byte, now time.Time, tolerance time.Duration) error {
	t, signatures, err := parse(header)
	if err != nil {
		return err
	}
	want := digest(secret, t, body)
	matches := false
	for _, signature := range signatures {
		matches = hmac.Equal(signature, want) || matches
	}
	if !matches || secret == "" {
		return ErrSignature
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: t is no number of seconds", ErrSignature)
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > tolerance {
		return fmt.Errorf("%w: signed %v away from this clock", ErrTimestamp, off.Round(time.Second))
	}
	return nil
}

// Bounds of what parse looks at.
const (
	longestHeader = 1024
	mostDigits    = 12 // of t: until the year 33658
)

// parse takes the header apart. Parts with names that are not known are left for
// later versions; several v1 are allowed, for a change of the secret.
func parse(header string) (t string, signatures [][]byte, err error) {
	if len(header) > longestHeader {
		return "", nil, fmt.Errorf("%w: the header is too long", ErrSignature)
	}
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(name) {
		case "t":
			if t != "" || !isNumber(value) {
				return "", nil, fmt.Errorf("%w: it needs one t", ErrSignature)
			}
			t = value
		case "v1":
			signature, err := hex.DecodeString(value)
			if err != nil || len(signature) != sha256.Size {
				return "", nil, fmt.Errorf("%w: v1 is not 64 hex digits", ErrSignature)
			}
			signatures = append(signatures, signature)
		}
	}
	if t == "" || len(signatures) == 0 {
		return "", nil, fmt.Errorf("%w: the header lacks t or v1", ErrSignature)
	}
	return t, signatures, nil
}

func isNumber(text string) bool {
	if text == "" || len(text) > mostDigits {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
