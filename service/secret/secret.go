// Package secret holds values that must never be printed, and the keys that
// seal them at rest.
//
// A Secret shows itself as "[redacted]" to fmt, encoding/json, encoding/text
// and log/slog; Reveal is the only way to the value. A Keyring seals a Secret
// for storage with AES-256-GCM, bound to the place where it is stored.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a string that cannot be printed by accident. Its zero value is the
// empty secret. Compare with Equal, not with ==.
//
// The value stands behind a pointer because fmt cannot call methods on the
// unexported fields of a struct: there it would print a plain string, but
// prints a pointer as an address.
type Secret struct{ value *string }

// New wraps value.
func New(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal returns the value itself. Every call is a place to review: the result
// may go into a request to WeChat, into a seal or to a caller who is entitled
// to it, and nowhere else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal reports whether both hold the same value, in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// Hash is the SHA-256 of the value in 64 lower-case hex digits. It identifies a
// credential (256 bits of entropy or more) without giving it away.
func (s Secret) Hash() string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:])
}

// Fingerprint is the first 8 hex digits of Hash: what people compare by eye in
// the panel and in logs. It is "" for the empty secret.
func (s Secret) Fingerprint() string {
	if s.IsZero() {
		return ""
	}
	return s.Hash()[:8]
}

// String implements fmt.Stringer and hides the value.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer and hides the value from %#v.
func (s Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb or flag reaches the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements encoding.TextMarshaler and hides the value; JSON uses
// it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText implements encoding.TextUnmarshaler: a Secret can be read from
// a configuration file although it cannot be written to one.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}

// LogValue implements slog.LogValuer and hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
