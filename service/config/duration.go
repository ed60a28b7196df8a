package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

var errDuration = errors.New(`a duration is a number with its unit, as in "30s", "15m", "2h" or "90d"`)

// Duration is a time.Duration that also knows days: "90d", "1d12h". A day is 24
// hours.
type Duration time.Duration

// ParseDuration reads Go's notation, optionally with whole days in front. The
// empty text is 0.
func ParseDuration(text string) (Duration, error) {
	if text == "" {
		return 0, nil
	}
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	count, err := strconv.Atoi(days)
	if err != nil || count < 0 || count > math.MaxInt64/int(day) {
		return 0, errDuration
	}
	var tail time.Duration
	if rest != "" {
		if tail, err = time.ParseDuration(rest); err != nil {
			return 0, errDuration
		}
	}
	whole := time.Duration(count) * day
	if (found && tail < 0) || tail > math.MaxInt64-whole {
		return 0, errDuration
	}
	return Duration(whole + tail), nil
}

// Std is the duration as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes what ParseDuration reads, in the shortest usual form.
func (d Duration) String() string {
	std := time.Duration(d)
	if std >= day && std%day == 0 {
		return strconv.Itoa(int(std/day)) + "d"
	}
	text := std.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
