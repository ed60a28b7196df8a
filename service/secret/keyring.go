package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

// envelopeVersion is the first byte of every envelope. A later format gets the
// next number, so that both can be read side by side.
const envelopeVersion = 1

// keyIDSize is the length of a key id inside an envelope, in bytes.
const keyIDSize = 4

// envelopeHeader is version, key id.
const envelopeHeader = 1 + keyIDSize

var (
	// ErrNoKey says that the envelope was sealed with a key this ring does not have.
	ErrNoKey = errors.New("sealed with a master key that is not in the key ring")
	// ErrNotAuthentic says that an envelope was changed, cut, or moved from the
	// place (table, row, column) it was sealed for.
	ErrNotAuthentic = errors.New("sealed value is damaged or was moved from another row")
	// ErrKeyInvalid says that a master key is not base64 of KeySize bytes.
	ErrKeyInvalid = errors.New("a master key is base64 of 32 bytes")
)

// Keyring seals with its first key and opens with all of them. It is safe for
// concurrent use and never changes.
type Keyring struct {
	keys []ringKey
	root Secret // the sealing key, for Derive; a []byte would show itself to fmt
}

type ringKey struct {
	id   [keyIDSize]byte
	aead cipher.AEAD
}

// NewKeyring takes raw keys of KeySize bytes, the sealing key first.
func NewKeyring(keys ...[]byte) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrKeyInvalid)
	}
	ring := &Keyring{root: New(string(keys[0]))}
	for i, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("%w: key %d has %d bytes", ErrKeyInvalid, i+1, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("master key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("master key %d: %w", i+1, err)
		}
		ring.keys = append(ring.keys, ringKey{id: keyID(key), aead: aead})
	}
	return ring, nil
}

// ParseKeys reads base64 keys, one per line; empty lines and lines that start
// with # are passed over. The error never quotes a key.
func ParseKeys(text string) ([][]byte, error) {
	var keys [][]byte
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(key) != KeySize {
			return nil, fmt.Errorf("%w: line %d is not", ErrKeyInvalid, i+1)
		}
		if isWeak(key) {
			return nil, fmt.Errorf("%w: line %d is a pattern or a sample, not a random key", ErrKeyInvalid, i+1)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrKeyInvalid)
	}
	return keys, nil
}

// isWeak finds keys that nobody drew at random: the chance that 32 random bytes
// hold fewer than 16 different ones, only printable ones, one half twice or
// steps of one width (00 01 02 …) is nil.
func isWeak(key []byte) bool {
	different := make(map[byte]bool, KeySize)
	printable, steps := true, true
	for i, b := range key {
		different[b] = true
		printable = printable && b >= 0x20 && b < 0x7f
		steps = steps && (i == 0 || b-key[i-1] == key[1]-key[0])
	}
	half := len(key) / 2
	return printable || steps || len(different) < 16 || bytes.Equal(key[:half], key[half:])
}

// NewKey makes a random master key in the form ParseKeys reads.
func NewKey() string {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // crypto/rand.Read never fails: it ends the program instead
	return base64.StdEncoding.EncodeToString(key)
}

// keyID names a key without telling anything about it: the first bytes of a
// domain-separated SHA-256.
func keyID(key []byte) [keyIDSize]byte {
	sum := sha256.Sum256(append([]byte("wxsign master key id\x00"), key...))
	return [keyIDSize]byte(sum[:keyIDSize])
}

// SealingKeyID is the id, in hex, of the key that Seal uses.
func (k *Keyring) SealingKeyID() string { return hex.EncodeToString(k.keys[0].id[:]) }

// KeyIDs are the ids, in hex, of all keys that Open has: sorted, each once.
func (k *Keyring) KeyIDs() []string {
	ids := make([]string, 0, len(k.keys))
	for _, key := range k.keys {
		ids = append(ids, hex.EncodeToString(key.id[:]))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Derive makes a key of KeySize bytes for another purpose, the same on every
// replica with the same sealing key (HKDF-SHA256, RFC 5869).
func (k *Keyring) Derive(purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte(k.root.Reveal()), nil, "wxsign "+purpose, KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive the key for %s: %w", purpose, err)
	}
	return key, nil
}

// KeyID tells in hex which key sealed the envelope, "" if it is no envelope.
func KeyID(envelope []byte) string {
	if len(envelope) < envelopeHeader || envelope[0] != envelopeVersion {
		return ""
	}
	return hex.EncodeToString(envelope[1:envelopeHeader])
}

// Seal encrypts value for one place. place is the additional authenticated
// data, for instance "credential|wx123|jsapi|value": Open fails with any other.
func (k *Keyring) Seal(value Secret, place string) []byte {
	key := k.keys[0]
	envelope := make([]byte, 0, envelopeHeader+len(value.Reveal())+key.aead.Overhead())
	envelope = append(envelope, envelopeVersion)
	envelope = append(envelope, key.id[:]...)
	return key.aead.Seal(envelope, nil, []byte(value.Reveal()), aad(envelope, place))
}

// Open decrypts an envelope made by Seal for the same place. It fails with
// ErrNoKey or ErrNotAuthentic.
func (k *Keyring) Open(envelope []byte, place string) (Secret, error) {
	if len(envelope) < envelopeHeader || envelope[0] != envelopeVersion {
		return Secret{}, fmt.Errorf("%w: unknown envelope", ErrNotAuthentic)
	}
	header, sealed := envelope[:envelopeHeader], envelope[envelopeHeader:]
	for _, key := range k.keys {
		if key.id != [keyIDSize]byte(header[1:]) {
			continue
		}
		value, err := key.aead.Open(nil, nil, sealed, aad(header, place))
		if err != nil {
			return Secret{}, ErrNotAuthentic
		}
		return New(string(value)), nil
	}
	return Secret{}, fmt.Errorf("%w (key id %s)", ErrNoKey, hex.EncodeToString(header[1:]))
}

// aad binds the header too, so that version and key id cannot be changed.
func aad(header []byte, place string) []byte {
	return append(append([]byte{}, header[:envelopeHeader]...), place...)
}
