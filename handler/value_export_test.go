package handler

import (
	"time"

	"github.com/wxsign/wxsign/service/keeper"
)

// ValueJSON is a value's answer as it is sent, and what encoding/json makes of it.
func ValueJSON(kind string, v keeper.Current) (sent []byte, meant any) {
	answer := newValueAnswer(kind, v, true)
	answer.ExpiresIn = int64(time.Until(v.ExpiresAt) / time.Second) // the same in both
	return answer.appendJSON(nil), answer
}
