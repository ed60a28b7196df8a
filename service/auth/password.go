package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of one hash: OWASP's smallest recommendation for argon2id (Password
// Storage Cheat Sheet). Nobody may make the server work harder than
// mostHashes of them at once.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	mostHashes   = 2
)

const (
	saltLength = 16 // bytes
	keyLength  = 32 // bytes

	minPassword = 12  // characters
	maxPassword = 128 // bytes
)

var b64 = base64.RawStdEncoding

// hashPassword is the PHC string of a password with a new salt.
func hashPassword(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, keyLength)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// verify reports whether hash is that of password. A hash in another form, the
// empty one among them, fits no password.
func verify(hash, password string) bool {
	cost, salt, key, err := parseHash(hash)
	if err != nil {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, cost.time, cost.memory, cost.threads, uint32(len(key))) //nolint:gosec // at most maxKey
	return subtle.ConstantTimeCompare(got, key) == 1
}

// argonCost is read from the hash, so that a later version may raise it and
// older hashes still fit.
type argonCost struct {
	memory, time uint32
	threads      uint8
}

// Bounds of a stored hash: who can write the table must not be able to make
// the server work for minutes.
const (
	maxMemory = 256 << 10 // KiB
	maxTime   = 16
	maxKey    = 64 // bytes
)

func (c argonCost) bounded() bool {
	return c.memory >= 8 && c.memory <= maxMemory && c.time >= 1 && c.time <= maxTime && c.threads >= 1
}

// errHashForm says that a stored hash is not one of ours.
var errHashForm = errors.New("not an argon2id hash that wxsign has made")

func parseHash(hash string) (cost argonCost, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return cost, nil, nil, errHashForm
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.memory, &cost.time, &cost.threads); err != nil {
		return cost, nil, nil, errHashForm
	}
	salt, errSalt := b64.DecodeString(parts[4])
	key, errKey := b64.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(key) < keyLength || len(key) > maxKey || !cost.bounded() {
		return cost, nil, nil, errHashForm
	}
	return cost, salt, key, nil
}

// newOneTimePassword is 128 random bits in letters and digits.
func newOneTimePassword() string { return rand.Text() }

// checkNew refuses a new password that is too short or too long to hash.
func checkNew(password string) error {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return ErrTooShort
	case len(password) > maxPassword:
		return ErrTooLong
	}
	return nil
}
