package snapshotfile

import (
	"time"

	"github.com/wxsign/wxsign/service/secret"
)

// Decode reads a file's bytes now.
func Decode(raw []byte, at Stamp, ring *secret.Keyring) (Content, error) {
	return decode(raw, at, time.Now(), ring)
}
