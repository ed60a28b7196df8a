package config

import (
	"reflect"
	"slices"
)

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
