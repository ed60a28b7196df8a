package config

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/wxsign/wxsign/service/secret"
)

// This file knows the shape of Config by reflection: tables are structs, lists
// of tables are slices of structs, named tables are maps of structs, and the
// rest are leaves.

// field is one key of a table.
type field struct {
	key   string
	index int
	typ   reflect.Type
}

func fieldsOf(table reflect.Type) []field {
	fields := make([]field, table.NumField())
	for i := range fields {
		f := table.Field(i)
		fields[i] = field{key: f.Tag.Get("toml"), index: i, typ: f.Type}
	}
	return fields
}

func fieldOf(table reflect.Type, key string) (field, bool) {
	fields := fieldsOf(table)
	i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
	if i < 0 {
		return field{}, false
	}
	return fields[i], true
}

// isLeaf reports whether a key of this type holds a value, not a table.
func isLeaf(typ reflect.Type) bool {
	switch reflect.New(typ).Interface().(type) {
	case *string, *bool, *int, *[]string, *Duration, *secret.Secret, *KeySource:
		return true
	default:
		return false
	}
}

// newElement makes an element of a list of tables, or a named table, with its
// defaults.
func newElement(typ reflect.Type) reflect.Value {
	element := reflect.New(typ).Elem()
	if account, ok := reflect.TypeAssert[*Account](element.Addr()); ok {
		*account = defaultAccount()
	}
	return element
}

// leaf is a value and its path.
type leaf struct {
	path  string
	value reflect.Value
}

// leavesOf lists every value at and below path, in the order of declaration.
// Those below a named table cannot be set.
func leavesOf(path string, value reflect.Value) []leaf {
	if isLeaf(value.Type()) {
		return []leaf{{path: path, value: value}}
	}
	var leaves []leaf
	switch value.Kind() {
	case reflect.Struct:
		for _, f := range fieldsOf(value.Type()) {
			leaves = append(leaves, leavesOf(join(path, f.key), value.Field(f.index))...)
		}
	case reflect.Slice:
		for i := range value.Len() {
			leaves = append(leaves, leavesOf(join(path, strconv.Itoa(i)), value.Index(i))...)
		}
	case reflect.Map:
		for _, name := range sortedNames(value) {
			leaves = append(leaves, leavesOf(join(path, name), value.MapIndex(reflect.ValueOf(name)))...)
		}
	default: // Config has no other kinds
	}
	return leaves
}

func sortedNames(tables reflect.Value) []string {
	names := make([]string, 0, tables.Len())
	for _, name := range tables.MapKeys() {
		names = append(names, name.String())
	}
	slices.Sort(names)
	return names
}
