package pageurl_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

func TestHostileUnicode(t *testing.T) {
	t.Parallel()
	checkHostile(t, hostileUnicode)
}

// hostileUnicode are hosts that look like the allowed one, or that only become
// it when a library is kind to them.
var hostileUnicode = []page{
	// letters of other scripts: valid names, but other ones
	{"https://h5.ex\u0430mple.com/", "h5.example.com", errNoMatch},   // Cyrillic a
	{"https://h5.\u0435xample.com/", "h5.example.com", errNoMatch},   // Cyrillic e
	{"https://h5.examp\u04cfe.com/", "h5.example.com", errNoMatch},   // palochka
	{"https://h5.exampl\u00e9.com/", "h5.example.com", errNoMatch},   // é
	{"https://h5.e\u03c7ample.com/", "h5.example.com", errNoMatch},   // Greek chi
	{"https://h5.examp\u0131e.com/", "h5.example.com", errNoMatch},   // dotless i
	{"https://xn--h5-example.com/", "h5.example.com", errNoMatch},    // not punycode of anything
	{"https://h5.xn--xample-2of.com/", "h5.example.com", errNoMatch}, // the Cyrillic e, encoded
	{"https://xn--h5-.example.com/", "h5.example.com", errNoMatch},   // punycode of plain h5
	{"https://xn--a.xn--fiqs8s/", "*.example.com", errNoMatch},
	{"https://h5.ex\u0430mple.com/", "*.example.com", errNoMatch},
	{"https://商店.evil.example/", "商店.example.com", errNoMatch},
	{"https://商厂.example.com/", "商店.example.com", errNoMatch},
	{"https://xn--6oq32o.example.com/", "商店.example.com", errNoMatch},

	// characters that IDNA maps to plain ones: browsers show the plain name
	{"https://\uff485.example.com/", "h5.example.com", pageurl.ErrInvalid},           // fullwidth h
	{"https://h\uff15.example.com/", "h5.example.com", pageurl.ErrInvalid},           // fullwidth 5
	{"https://h5\uff0eexample.com/", "h5.example.com", pageurl.ErrInvalid},           // fullwidth full stop
	{"https://h5\u3002example.com/", "h5.example.com", pageurl.ErrInvalid},           // ideographic full stop
	{"https://h5\uff61example.com/", "h5.example.com", pageurl.ErrInvalid},           // its halfwidth form
	{"https://evil\u3002example.com/", "*.example.com", pageurl.ErrInvalid},          // a dot more than one sees
	{"https://h5.e\u24e7ample.com/", "h5.example.com", pageurl.ErrInvalid},           // circled x
	{"https://h5.example.\u2102om/", "h5.example.com", pageurl.ErrInvalid},           // double-struck C
	{"https://h5.e\u212fxample.com/", "h5.example.com", pageurl.ErrInvalid},          // script e
	{"https://h5.example.\u2105m/", "h5.example.com", pageurl.ErrInvalid},            // c/o sign: holds a slash
	{"https://evil.example\u2100.example.com/", "*.example.com", pageurl.ErrInvalid}, // a/c sign
	{"https://h5\u2488example.com/", "h5.example.com", pageurl.ErrInvalid},           // digit one full stop
	{"https://h\u2075.example.com/", "h5.example.com", pageurl.ErrInvalid},           // superscript five
	{"https://h5.exa\u217fple.com/", "h5.example.com", pageurl.ErrInvalid},           // roman numeral m
	{"https://h5.example.co\u1d50/", "h5.example.com", pageurl.ErrInvalid},           // modifier m
	{"https://bu\u0308cher.example/", "bücher.example", pageurl.ErrInvalid},          // not composed
	{"https://\u212aelvin.example/", "kelvin.example", pageurl.ErrInvalid},           // Kelvin sign
	{"https://B\u00dcCHER.example/", "bücher.example", pageurl.ErrInvalid},           // upper case Ü
	{"https://\u017fhop.example/", "shop.example", pageurl.ErrInvalid},               // long s
	{"https://商\u3002店.example/", "*.example", pageurl.ErrInvalid},
	{"https://xn--a-ecp.ru\u3002example.com/", "*.example.com", pageurl.ErrInvalid},

	// characters that vanish
	{"https://h5.exam\u00adple.com/", "h5.example.com", pageurl.ErrInvalid}, // soft hyphen
	{"https://h5.exam\u200bple.com/", "h5.example.com", pageurl.ErrInvalid}, // zero width space
	{"https://h5.exam\u200cple.com/", "h5.example.com", pageurl.ErrInvalid}, // non-joiner
	{"https://h5.exam\u200dple.com/", "h5.example.com", pageurl.ErrInvalid}, // joiner
	{"https://h5.exam\u2060ple.com/", "h5.example.com", pageurl.ErrInvalid}, // word joiner
	{"https://h5.exam\ufeffple.com/", "h5.example.com", pageurl.ErrInvalid}, // byte order mark
	{"https://h5.exam\u034fple.com/", "h5.example.com", pageurl.ErrInvalid}, // grapheme joiner
	{"https://h5.exam\ufe0fple.com/", "h5.example.com", pageurl.ErrInvalid}, // variation selector
	{"https://h5.exam\u180bple.com/", "h5.example.com", pageurl.ErrInvalid}, // Mongolian selector
	{"https://h5.example.com\u202e/", "h5.example.com", pageurl.ErrInvalid}, // right to left

	// Regression: a long name took milliseconds, growing with its square.
	{"https://" + strings.Repeat("商", 64) + ".example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://" + strings.Repeat("商店", 330) + "/", "*.example.com", pageurl.ErrInvalid},

	// slashes and the like that are none
	{"https://h5.example.com\uff0fevil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com\u2044evil.example/", "h5.example.com", errNoMatch},
	{"https://h5.example.com\u2215evil.example/", "h5.example.com", errNoMatch},
	{"https://h5.example.com\uff1fevil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com\uff03evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com\uff20evil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com\uff1a443/", "h5.example.com", pageurl.ErrInvalid},
	{"https://h5.example.com\uff3cevil.example/", "h5.example.com", pageurl.ErrInvalid},
	{"https:\uff0f\uff0fh5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https\uff1a//h5.example.com/", "h5.example.com", pageurl.ErrInvalid},
	{"https://\ufffd.example.com/", "*.example.com", pageurl.ErrInvalid},
	{"https://\U0001f4a9-.example.com/", "*.example.com", pageurl.ErrInvalid},
}
