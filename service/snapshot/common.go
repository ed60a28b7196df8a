package snapshot

import (
	"maps"
	"slices"
)

// common is what accounts have in common. Of ten thousand nearly all keep the same
// tickets and have the same profiles, and each was read from a row of its own:
// together that would be as much memory as their tokens and tickets.
type common struct {
	profiles  []map[string]Profile
	tickets   [][]string
	platforms []string
}

// mostCommon bounds what is looked through for each account that comes.
const mostCommon = 32

// share gives the account what an earlier one has, where that is the same. Nobody
// writes into either.
func (s *common) share(a *Account) {
	s.profiles = shareOne(s.profiles, &a.Profiles, sameProfiles)
	s.tickets = shareOne(s.tickets, &a.Tickets, sameList)
	s.platforms = shareOne(s.platforms, &a.Platform, func(x, y string) bool { return x == y })
}

// shareOne replaces value by the one that is equal. Where there is none it is known
// from now on, in place of the oldest.
func shareOne[T any](known []T, value *T, equal func(a, b T) bool) []T {
	if i := slices.IndexFunc(known, func(k T) bool { return equal(k, *value) }); i >= 0 {
		*value = known[i]
		return known
	}
	if len(known) == mostCommon {
		known = slices.Delete(known, 0, 1)
	}
	return append(known, *value)
}

func sameProfiles(a, b map[string]Profile) bool {
	return (a == nil) == (b == nil) && maps.EqualFunc(a, b, func(x, y Profile) bool {
		return x.Debug == y.Debug && sameList(x.JSAPIList, y.JSAPIList) && sameList(x.OpenTagList, y.OpenTagList)
	})
}

// sameList tells a nil list from an empty one: in wx.config it is null.
func sameList(a, b []string) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

// kindName is the kind without the row that it was read from.
func kindName(kind string) string {
	names := [...]string{KindAccessToken, KindJSAPI, KindWXCard, KindAgentConfig}
	if i := slices.Index(names[:], kind); i >= 0 {
		return names[i]
	}
	return kind
}
