package model

import (
	"fmt"
	"strconv"
	"strings"
)

// FormatPlace writes where a page of rows in the order of an instant (Unix
// milliseconds) and an id begins, as it stands in a page's address.
func FormatPlace(atMs, id int64) string { return fmt.Sprintf("%d-%d", atMs, id) }

// ParsePlace reads what FormatPlace wrote; false for everything else.
func ParsePlace(text string) (atMs, id int64, ok bool) {
	at, number, _ := strings.Cut(text, "-")
	atMs, errAt := strconv.ParseInt(at, 10, 64)
	id, errID := strconv.ParseInt(number, 10, 64)
	if errAt != nil || errID != nil || atMs <= 0 || id <= 0 {
		return 0, 0, false
	}
	return atMs, id, true
}
