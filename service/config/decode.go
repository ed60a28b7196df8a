package config

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// decodeTable puts a table of the file into a struct and notes a fault for each
// key that does not fit.
func (l *loader) decodeTable(path string, table map[string]any, target reflect.Value) {
	for _, key := range l.inOrder(path, table) {
		f, found := fieldOf(target.Type(), key)
		if !found {
			l.faultUnknown(path, key, target.Type())
			continue
		}
		l.decode(join(path, key), table[key], target.Field(f.index))
	}
}

func (l *loader) faultUnknown(path, key string, table reflect.Type) {
	problem := "is not a key that wxsign knows"
	if at := join(path, key); keyOf(at) == keyOf(path) { // it cannot be shown
		problem = "holds a key that wxsign does not know"
	}
	l.fault(join(path, key), problem, suggest(path, key, table))
}

// inOrder sorts keys by line, so that the first of two faults is named first.
func (l *loader) inOrder(path string, table map[string]any) []string {
	return slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		return cmp.Or(cmp.Compare(l.lines[join(path, a)], l.lines[join(path, b)]), cmp.Compare(a, b))
	})
}

func (l *loader) decode(path string, value any, target reflect.Value) {
	if isLeaf(target.Type()) {
		l.set(path, target, value, Origin{Path: l.source.Path, Line: l.lines[path]})
		return
	}
	switch target.Kind() {
	case reflect.Slice:
		l.decodeList(path, value, target)
	case reflect.Map:
		l.decodeNamed(path, value, target)
	default:
		if table, ok := l.table(path, value); ok {
			l.decodeTable(path, table, target)
		}
	}
}

func (l *loader) decodeList(path string, value any, target reflect.Value) {
	list, ok := value.([]any)
	if !ok {
		l.fault(path, "must be a list of tables, not "+kindOf(value), "write [["+keyOf(path)+"]] above its keys")
		return
	}
	for i, entry := range list {
		element := newElement(target.Type().Elem())
		at := join(path, strconv.Itoa(i))
		if table, ok := l.table(at, entry); ok {
			l.decodeTable(at, table, element)
		}
		target.Set(reflect.Append(target, element))
	}
}

func (l *loader) decodeNamed(path string, value any, target reflect.Value) {
	tables, ok := l.table(path, value)
	if !ok {
		return
	}
	named := reflect.MakeMap(target.Type())
	for _, name := range l.inOrder(path, tables) {
		element := newElement(target.Type().Elem())
		if table, ok := l.table(join(path, name), tables[name]); ok {
			l.decodeTable(join(path, name), table, element)
		}
		named.SetMapIndex(reflect.ValueOf(name), element)
	}
	target.Set(named)
}

func (l *loader) table(path string, value any) (map[string]any, bool) {
	table, ok := value.(map[string]any)
	if !ok {
		l.fault(path, "must be a table, not "+kindOf(value), "write it as a [section] with its keys below")
	}
	return table, ok
}

// set puts a value into a leaf and remembers where it came from, also if it
// does not fit.
func (l *loader) set(path string, target reflect.Value, value any, origin Origin) {
	l.report.origins[path] = origin
	if wrong := setValue(target, value); wrong != nil {
		l.fault(path, wrong.problem, wrong.mend)
	}
}
