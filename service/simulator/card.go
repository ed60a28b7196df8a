package simulator

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// codeDecrypt is POST card/code/decrypt ("Cards": decoding a code): what stands
// for the code in a card's link becomes the code, always the same one.
func (s *Simulator) codeDecrypt(c *call) (any, error) {
	var order struct {
		Encrypted string `json:"encrypt_code"`
	}
	if err := c.readJSON(&order); err != nil {
		return nil, err
	}
	if order.Encrypted == "" {
		return nil, fail(40056)
	}
	const codes = 1_000_000_000_000 // of twelve digits, as in the document
	sum := sha256.Sum256([]byte(order.Encrypted))
	return struct {
		errorBody
		Code string `json:"code"`
	}{okBody(), fmt.Sprintf("%012d", binary.BigEndian.Uint64(sum[:])%codes)}, nil
}
