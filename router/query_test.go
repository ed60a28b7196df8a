package router_test

import (
	"net/http"
	"strings"
	"testing"
)

// The query as it stands in the request line: what is decoded, and how often.
func TestConfigQuery(t *testing.T) {
	t.Parallel()
	const encoded = "/jssdk/config?url=https%3A%2F%2Fh5.example.com%2F"
	tests := []struct {
		name, target string
		signed       string // or
		code         string
		status       int
	}{
		{"literal plus stays", encoded + "%3Fq%3Da+b", "https://h5.example.com/?q=a+b", "", 0},
		{"encoded plus is a plus", encoded + "%3Fq%3Da%2Bb", "https://h5.example.com/?q=a+b", "", 0},
		{"decoded once", encoded + "%3Fq%3D%252B%2520", "https://h5.example.com/?q=%2B%20", "", 0},
		{"not encoded at all, no query", "/jssdk/config?url=https://h5.example.com/a", "https://h5.example.com/a", "", 0},
		{"not encoded, one parameter", "/jssdk/config?url=https://h5.example.com/?a=1", "https://h5.example.com/?a=1", "", 0},
		{"fragment encoded", encoded + "%23top", "https://h5.example.com/", "", 0},
		{"other order, empty pairs", "/jssdk/config?&profile=default&&url=https%3A%2F%2Fh5.example.com%2F&", "https://h5.example.com/", "", 0},
		{"small hex", "/jssdk/config?url=https%3a%2f%2fh5.example.com%2f", "https://h5.example.com/", "", 0},
		{"exact: escaped HTML", encoded + "%3Fa%3D1%26amp%3Bb%3D2&exact=1", "https://h5.example.com/?a=1&amp;b=2", "", 0},
		{"exact as true", encoded + "%3Fa%3D1%26amp%3Bb%3D2&exact=true", "https://h5.example.com/?a=1&amp;b=2", "", 0},
		{"exact must be said", encoded + "%3Fa%3D1%26amp%3Bb%3D2&exact=0", "", "url_escaped_html", 400},
		{"exact skips no other check", encoded + "%20&exact=1", "", "url_invalid", 400},
		{"exact allows no other domain", "/jssdk/config?url=https%3A%2F%2Fexample.com%2F&exact=1", "", "domain_not_allowed", 403},
		{"nothing", "/jssdk/config", "", "url_missing", 400},
		{"url without value", "/jssdk/config?url", "", "url_missing", 400},
		{"empty url", "/jssdk/config?url=", "", "url_missing", 400},
		{"forgotten encodeURIComponent", "/jssdk/config?url=https://h5.example.com/?a=1&b=2", "", "url_invalid", 400},
		{"unknown parameter", encoded + "&_=1700000000", "", "url_invalid", 400},
		{"name in capitals", "/jssdk/config?URL=https%3A%2F%2Fh5.example.com%2F", "", "url_invalid", 400},
		{"url twice", encoded + "&url=https%3A%2F%2Fh5.example.com%2Fb", "", "url_invalid", 400},
		{"app_id twice", encoded + "&app_id=" + shopApp + "&app_id=" + twinApp, "", "url_invalid", 400},
		{"page's own app_id behind ours", encoded + "&app_id=" + shopApp + "&profile=default&app_id=x", "", "url_invalid", 400},
		{"percent sign that is no escape", "/jssdk/config?url=https://h5.example.com/100%", "", "url_invalid", 400},
		{"half an escape", encoded + "%2", "", "url_invalid", 400},
		{"bytes that are no UTF-8", encoded + "%ff%fe", "", "url_invalid", 400},
		{"zero byte", encoded + "%00", "", "url_invalid", 400},
	}
	s := newSite(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := s.ask(t, http.MethodGet, tt.target, "")
			if tt.signed != "" {
				checkSigned(t, w, tt.signed)
				return
			}
			p := checkProblem(t, w, tt.status, tt.code)
			if tt.code == "url_invalid" && !strings.Contains(p.Message, "encodeURIComponent") {
				t.Errorf("message %q does not name encodeURIComponent", p.Message)
			}
		})
	}
}

func TestConfigBody(t *testing.T) {
	t.Parallel()
	const page = `"https://h5.example.com/"`
	pad := func(n int) string { return strings.Repeat(" ", n) }
	tests := []struct {
		name, body string
		status     int
		code       string
	}{
		{"one object", `{"url":` + page + `}`, 200, ""},
		{"blanks around", "\r\n {\"url\":" + page + "} \n", 200, ""},
		{"8192 bytes", `{"url":` + page + `}` + pad(8192-len(`{"url":`+page+`}`)), 200, ""},
		{"8193 bytes", `{"url":` + page + `}` + pad(8193-len(`{"url":`+page+`}`)), 413, "body_too_large"},
		{"a megabyte", `{"url":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "body_too_large"},
		{"deep", strings.Repeat("[", 8000), 400, "json_invalid"},
		{"empty", "", 400, "json_invalid"},
		{"no JSON", "url=https%3A%2F%2Fh5.example.com%2F", 400, "json_invalid"},
		{"cut off", `{"url":` + page, 400, "json_invalid"},
		{"a list", `[` + page + `]`, 400, "json_invalid"},
		{"a text", page, 400, "json_invalid"},
		{"two objects", `{"url":` + page + `}{}`, 400, "json_invalid"},
		{"something behind", `{"url":` + page + `} x`, 400, "json_invalid"},
		{"unknown field", `{"url":` + page + `,"link":"x"}`, 400, "json_invalid"},
		{"wrong type", `{"url":7}`, 400, "json_invalid"},
		{"null", `null`, 400, "url_missing"},
		{"url null", `{"url":null}`, 400, "url_missing"},
		{"percent-encoded in JSON", `{"url":"https%3A%2F%2Fh5.example.com%2F"}`, 400, "url_double_encoded"},
	}
	s := newSite(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := s.ask(t, http.MethodPost, "/jssdk/config", tt.body)
			if tt.status == http.StatusOK {
				checkSigned(t, w, "https://h5.example.com/")
				return
			}
			p := checkProblem(t, w, tt.status, tt.code)
			if tt.status == http.StatusRequestEntityTooLarge && !strings.Contains(p.Message, "8192") {
				t.Errorf("message %q does not name the limit", p.Message)
			}
		})
	}
}

func TestConfigBodyExact(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for exact, granted := range map[string]bool{
		`1`: true, `"1"`: true, `true`: true, `"true"`: true,
		`0`: false, `"0"`: false, `false`: false, `null`: false, `{"a":1}`: false,
	} {
		w := s.ask(t, http.MethodPost, "/jssdk/config", `{"url":"https://h5.example.com/?a=1&amp;b=2","exact":`+exact+`}`)
		if granted {
			checkSigned(t, w, "https://h5.example.com/?a=1&amp;b=2")
		} else {
			checkProblem(t, w, 400, "url_escaped_html")
		}
	}
}

// A POST signs what its body says; the query is not a second way in.
func TestConfigPostIgnoresTheQuery(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.ask(t, http.MethodPost, "/jssdk/config?url=https%3A%2F%2Fevil.example%2F&x=y", `{"url":"https://h5.example.com/a"}`)
	checkSigned(t, w, "https://h5.example.com/a")
}
