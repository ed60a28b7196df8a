package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const environmentPrefix = "WXSIGN_"

// variable is one WXSIGN_ variable of the environment.
type variable struct{ name, value string }

// applyEnvironment sets what the environment names. A name that fits no key is
// a warning only, because Kubernetes injects such names for its services.
func (l *loader) applyEnvironment() {
	for _, v := range variables(l.source.Env) {
		rest := strings.TrimPrefix(v.name, environmentPrefix)
		if l.assign("", rest, reflect.ValueOf(&l.cfg).Elem(), v) {
			continue
		}
		mend := "correct the name, or take it out"
		if near := nearestVariable(v.name); near != "" {
			mend = fmt.Sprintf("did you mean %s?", near)
		}
		l.warn(fmt.Sprintf("the environment variable %s sets nothing that wxsign knows", v.name), mend)
	}
}

// variables picks and sorts ours. Numbers inside names sort as numbers, so that
// new accounts come in the order of their index.
func variables(env []string) []variable {
	values := map[string]string{}
	for _, entry := range env {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, environmentPrefix) {
			values[name] = value
		}
	}
	var found []variable
	for name, value := range values {
		found = append(found, variable{name, value})
	}
	slices.SortFunc(found, func(a, b variable) int {
		return cmp.Or(
			slices.CompareFunc(strings.Split(a.name, "_"), strings.Split(b.name, "_"), compareWords),
			cmp.Compare(a.name, b.name),
		)
	})
	return found
}

func compareWords(a, b string) int {
	if isIndex(a) && isIndex(b) {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}
	return cmp.Compare(a, b)
}

// assign finds the leaf below target that rest names and sets it. It reports
// whether there is such a leaf.
func (l *loader) assign(path, rest string, target reflect.Value, v variable) bool {
	if isLeaf(target.Type()) {
		if rest == "" {
			l.set(path, target, valueOfText(target.Type(), v.value), Origin{Variable: v.name})
		}
		return rest == ""
	}
	switch target.Kind() {
	case reflect.Slice:
		return l.assignElement(path, rest, target, v)
	case reflect.Map:
		return l.assignNamed(path, rest, target, v)
	default:
		return l.assignKey(path, rest, target, v)
	}
}

func (l *loader) assignKey(path, rest string, target reflect.Value, v variable) bool {
	for _, f := range fieldsOf(target.Type()) {
		tail, found := cutWord(rest, environmentWord(f.key))
		if found && l.assign(join(path, f.key), tail, target.Field(f.index), v) {
			return true
		}
	}
	return false
}

// assignElement sets a value in the element that rest starts with; the index
// behind the last one makes a new element.
func (l *loader) assignElement(path, rest string, target reflect.Value, v variable) bool {
	digits, rest, _ := strings.Cut(rest, "_")
	index, err := strconv.Atoi(digits)
	if !isIndex(digits) || (len(digits) > 1 && digits[0] == '0') {
		return false
	}
	at, count := join(path, digits), target.Len()
	if err == nil && index < count {
		return l.assign(at, rest, target.Index(index), v)
	}
	element := newElement(target.Type().Elem())
	if err == nil && index == count {
		if !l.assign(at, rest, element, v) {
			return false
		}
		l.report.origins[at] = Origin{Variable: v.name}
		target.Set(reflect.Append(target, element))
		return true
	}
	// Nothing is kept of it; the trial only tells whether the name fits a key.
	trial := newLoader(Source{})
	if !trial.assign(at, rest, element, v) {
		return false
	}
	l.report.origins[at] = Origin{Variable: v.name}
	l.fault(at, "leaves a gap", fmt.Sprintf("the next free index is %d", count))
	return true
}

// assignNamed sets a value in a named table: NAME_JS_API_LIST. A name that no
// table of the file has makes a new one, in small letters.
func (l *loader) assignNamed(path, rest string, target reflect.Value, v variable) bool {
	for _, f := range fieldsOf(target.Type().Elem()) {
		word, found := strings.CutSuffix(rest, "_"+environmentWord(f.key))
		if !found || word == "" {
			continue
		}
		name := strings.ToLower(word)
		element := newElement(target.Type().Elem())
		for _, known := range sortedNames(target) {
			if environmentWord(known) == word {
				name = known
				element.Set(target.MapIndex(reflect.ValueOf(known)))
			}
		}
		l.set(join(join(path, name), f.key), element.Field(f.index), valueOfText(f.typ, v.value), Origin{Variable: v.name})
		if target.IsNil() {
			target.Set(reflect.MakeMap(target.Type()))
		}
		target.SetMapIndex(reflect.ValueOf(name), element)
		return true
	}
	return false
}

// environmentWord is a key as variables write it.
func environmentWord(key string) string {
	return strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}

// cutWord cuts word and the _ behind it off the front of rest.
func cutWord(rest, word string) (string, bool) {
	tail, found := strings.CutPrefix(rest, word)
	if !found || tail == "" {
		return "", found
	}
	tail, found = strings.CutPrefix(tail, "_")
	return tail, found && tail != ""
}
