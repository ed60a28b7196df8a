package config

import (
	"reflect"
	"slices"
	"strings"
)

// later is a part of the contract that this version reads and checks, but does
// not serve yet.
type later struct {
	// at is the path of a table or a key; * stands for any index.
	at string
	// value is the one value that is meant, "" = whatever is not the default.
	value string
	// does goes on after "this version does not".
	does string
}

// laters is the table of them. The work that serves a part deletes its line.
func laters() []later {
	return []later{
		{at: "publish.redis", does: "write to Redis yet"},
		{at: "webhook.*", does: "send webhooks yet"},
		{at: "alert", does: "raise alerts yet"},
		{at: "wechat.wecom_base_url", does: "call WeCom yet"},
		{at: "account.*.platform", value: PlatformWeCom, does: "serve WeCom yet"},
		{at: "account.*.tickets", value: TicketAgentConfig, does: "fetch this ticket yet"},
	}
}

// checkLater refuses what would do nothing, rather than accept it silently. A
// table that is not served has one fault, however many of its keys are set.
func (l *loader) checkLater() {
	noted := map[string]bool{}
	for _, leaf := range leavesOf("", reflect.ValueOf(&l.cfg).Elem()) {
		for _, part := range laters() {
			at, found := part.match(leaf.path)
			if !found || noted[at] || !part.means(leaf.value.Interface()) || !l.differs(leaf.path) || l.hasFaultyEntry(leaf.path) {
				continue
			}
			noted[at] = true
			mend := "remove what you set of " + keyOf(at)
			if part.value != "" {
				mend = "take another value than " + part.value
			}
			l.fault(leaf.path, "is set, but this version does not "+part.does, mend)
		}
	}
}

// match reports whether a leaf stands at or below the part, and which table or
// key of the configuration that is.
func (p later) match(leaf string) (string, bool) {
	have, want := strings.Split(leaf, "."), strings.Split(p.at, ".")
	if len(have) < len(want) {
		return "", false
	}
	have = have[:len(want)]
	for i, word := range want {
		if word != have[i] && word != "*" {
			return "", false
		}
	}
	return strings.Join(have, "."), true
}

func (p later) means(value any) bool {
	switch value := value.(type) {
	case []string:
		return p.value == "" || slices.Contains(value, p.value)
	default:
		return p.value == "" || p.value == value
	}
}

// differs reports whether somebody set path to something else than its default.
func (l *loader) differs(path string) bool {
	if !l.isSet(path) {
		return false
	}
	is, was := valueAt(path, l.cfg), valueAt(path, Default())
	return was == nil || !reflect.DeepEqual(is, was)
}

// valueAt is the value of a leaf, nil if the configuration has none there.
func valueAt(path string, cfg Config) any {
	leaves := leavesOf("", reflect.ValueOf(cfg))
	i := slices.IndexFunc(leaves, func(l leaf) bool { return l.path == path })
	if i < 0 {
		return nil
	}
	return leaves[i].value.Interface()
}
