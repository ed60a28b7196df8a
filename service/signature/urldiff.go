package signature

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Piece is a part of a URL that the other one has in the same place, or has not.
type Piece struct {
	Text string
	Same bool
}

// Difference is how the URL that was signed and the one that the page is open at
// differ, piece by piece and in words.
type Difference struct {
	Signed, Real []Piece
	Causes       []Contrast
}

// Contrast is a word for how two URLs differ.
type Contrast string

// The contrasts; the words are keys of texts in the panel.
const (
	ContrastFragment   Contrast = "fragment"    // only in what is behind #, which is never signed
	ContrastScheme     Contrast = "scheme"      // http, https
	ContrastHost       Contrast = "host"        // another host
	ContrastHostCase   Contrast = "host_case"   // capitals in the host
	ContrastPort       Contrast = "port"        // another port, or the usual one written out
	ContrastSlash      Contrast = "slash"       // the slash at the end of the path
	ContrastPath       Contrast = "path"        // another path
	ContrastHTML       Contrast = "html"        // &amp; and &
	ContrastTwice      Contrast = "twice"       // percent-encoded once more
	ContrastEncoding   Contrast = "encoding"    // the same when decoded
	ContrastHexCase    Contrast = "hex_case"    // %2f and %2F
	ContrastShare      Contrast = "share"       // from=, isappinstalled=
	ContrastQuery      Contrast = "query"       // a query and none
	ContrastQueryOrder Contrast = "query_order" // the same parameters in another order
	ContrastParameters Contrast = "parameters"  // other parameters
)

// Contrasts lists all of them.
func Contrasts() []Contrast {
	return []Contrast{
		ContrastFragment, ContrastScheme, ContrastHost, ContrastHostCase, ContrastPort, ContrastSlash, ContrastPath, ContrastHTML,
		ContrastTwice, ContrastEncoding, ContrastHexCase, ContrastShare, ContrastQuery, ContrastQueryOrder, ContrastParameters,
	}
}

// Compare tells how two URLs differ.
func Compare(signed, open string) Difference {
	d := Difference{Causes: contrasts(signed, open)}
	d.Signed, d.Real = align(tokens(signed), tokens(open))
	return d
}

// token is what people see as one thing in a URL.
var token = regexp.MustCompile(`%[0-9A-Fa-f]{2}|&amp;|[A-Za-z0-9]+|(?s:.)`)

// mostTokens bounds the work of aligning two URLs, which grows with the square.
const mostTokens = 1500

func tokens(text string) []string {
	parts := token.FindAllString(text, -1)
	if len(parts) > mostTokens {
		return append(parts[:mostTokens:mostTokens], strings.Join(parts[mostTokens:], ""))
	}
	return parts
}

// align finds the longest row of tokens that both have.
func align(a, b []string) (left, right []Piece) {
	longest := make([][]int16, len(a)+1) // of the tails
	for i := range longest {
		longest[i] = make([]int16, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if x == y {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			left, right = put(left, a[i], true), put(right, b[j], true)
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			left = put(left, a[i], false)
			i++
		default:
			right = put(right, b[j], false)
			j++
		}
	}
	return left, right
}

// put appends a token, to the last piece where that is of the same sort.
func put(pieces []Piece, text string, same bool) []Piece {
	if n := len(pieces); n > 0 && pieces[n-1].Same == same {
		pieces[n-1].Text += text
		return pieces
	}
	return append(pieces, Piece{text, same})
}

// contrasts names how two URLs differ, the whole before its parts.
func contrasts(signed, open string) []Contrast {
	if signed == open {
		return nil
	}
	s, _, _ := strings.Cut(signed, "#")
	r, _, _ := strings.Cut(open, "#")
	switch {
	case s == r:
		return []Contrast{ContrastFragment}
	case strings.ReplaceAll(s, "&amp;", "&") == strings.ReplaceAll(r, "&amp;", "&"):
		return []Contrast{ContrastHTML}
	case decodes(s) == r || decodes(r) == s || decodes(decodes(s)) == r || decodes(decodes(r)) == s:
		return []Contrast{ContrastTwice}
	case upperHex(s) == upperHex(r):
		return []Contrast{ContrastHexCase}
	case decodes(s) == decodes(r):
		return []Contrast{ContrastEncoding}
	}
	return parts(s, r)
}

func parts(signed, open string) (all []Contrast) {
	s, errS := url.Parse(signed)
	r, errR := url.Parse(open)
	if errS != nil || errR != nil {
		return nil
	}
	note := func(is bool, contrast Contrast) {
		if is {
			all = append(all, contrast)
		}
	}
	note(s.Scheme != r.Scheme, ContrastScheme)
	sameHost := strings.EqualFold(s.Hostname(), r.Hostname())
	note(!sameHost, ContrastHost)
	note(sameHost && s.Hostname() != r.Hostname(), ContrastHostCase)
	note(s.Port() != r.Port(), ContrastPort)
	if sp, rp := s.EscapedPath(), r.EscapedPath(); sp != rp {
		slash := strings.TrimSuffix(sp, "/") == strings.TrimSuffix(rp, "/")
		note(slash, ContrastSlash)
		note(!slash, ContrastPath)
	}
	if s.RawQuery != r.RawQuery {
		all = append(all, queryContrast(s.RawQuery, r.RawQuery))
	}
	return all
}

func queryContrast(signed, open string) Contrast {
	s, r := strings.Split(signed, "&"), strings.Split(open, "&")
	own := func(list []string) string {
		list = slices.DeleteFunc(slices.Clone(list), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			return name == "from" || name == "isappinstalled"
		})
		return strings.Join(list, "&")
	}
	slices.Sort(s)
	slices.Sort(r)
	switch {
	case slices.Equal(s, r):
		return ContrastQueryOrder
	case own(s) == own(r):
		return ContrastShare
	case signed == "" || open == "":
		return ContrastQuery
	}
	return ContrastParameters
}

// decodes is a text percent-decoded once, or as it is where it cannot be.
func decodes(text string) string {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

func upperHex(text string) string { return escape.ReplaceAllStringFunc(text, strings.ToUpper) }
