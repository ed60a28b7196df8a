package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// checkAll looks at every value, section by section.
func (l *loader) checkAll() {
	l.checkListeners()
	l.checkServer()
	l.checkLog()
	l.checkDatabase()
	l.checkMasterKey()
	l.checkSessions()
	l.checkWeChat()
	l.checkRefresh()
	l.checkRedis()
	l.checkOutbound()
	l.checkWebhooks()
	l.checkAlert()
	l.checkSimulator()
	l.checkAccounts()
	l.checkDemo()
}

// oneOf checks a word against a short list.
func (l *loader) oneOf(path, value string, words ...string) {
	if !slices.Contains(words, value) {
		l.fault(path, "cannot be "+quote(value), "choose "+alternatives(words))
	}
}

// eachOneOf checks a list against a short list, and for entries named twice.
func (l *loader) eachOneOf(path string, values []string, words ...string) {
	for i, value := range values {
		at := fmt.Sprintf("%s.%d", path, i)
		l.oneOf(at, value, words...)
		if slices.Contains(values[:i], value) {
			l.fault(at, "names "+quote(value)+" again", "remove one")
		}
	}
}

func alternatives(words []string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// within checks a duration against both its ends, which are allowed.
func (l *loader) within(path string, value Duration, least, most time.Duration) {
	switch std := value.Std(); {
	case std < least:
		l.fault(path, "is too short: "+value.String(), "at least "+Duration(least).String())
	case std > most:
		l.fault(path, "is too long: "+value.String(), "at most "+Duration(most).String())
	}
}

// between checks a number against both its ends, which are allowed.
func (l *loader) between(path string, value, least, most int) {
	if value < least || value > most {
		l.fault(path, fmt.Sprintf("cannot be %d", value), fmt.Sprintf("choose a number from %d to %d", least, most))
	}
}

// schedule checks a cron spec and returns nil if it is none. A time zone in it
// is refused: the program runs on UTC, and the parser panics on half of one.
func (l *loader) schedule(path, spec string) cron.Schedule {
	const mend = `write five fields in UTC, as in "30 3 * * *", or "@every 5s"`
	if strings.Contains(spec, "TZ=") {
		l.fault(path, "names a time zone", "write it in UTC, without TZ=")
		return nil
	}
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		l.fault(path, "is not a cron spec: "+quote(spec), mend)
		return nil
	}
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		// cron rounds what is shorter up to a second, silently.
		if pause, err := time.ParseDuration(every); err != nil || pause < time.Second {
			l.fault(path, "is too often: "+quote(spec), `at most every second: "@every 1s"`)
			return nil
		}
	}
	if schedule.Next(anyMonday()).IsZero() {
		l.fault(path, "names a day that never comes: "+quote(spec), mend)
		return nil
	}
	return schedule
}

// anyMonday is a fixed time to try schedules at.
func anyMonday() time.Time { return time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC) }

// pausesLongerThan reports whether a schedule lets more time pass between two
// firings; it looks at a day of them if they come every minute.
func pausesLongerThan(schedule cron.Schedule, most time.Duration) bool {
	const firings = 24*60 + 2
	last := anyMonday()
	for range firings {
		next := schedule.Next(last)
		if next.Sub(last) > most {
			return true
		}
		last = next
	}
	return false
}
