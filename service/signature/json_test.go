package signature_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

// encoded is what the standard library makes of an answer.
func encoded(t testing.TB, c signature.Config) string {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.Answer()); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	plain := signature.Config{
		AppID: "wx0123456789abcdef", Timestamp: 1414587457, NonceStr: "NNNNNNNNNNNNNNNNNNNNNNNNNN",
		Signature: "0f9de62fce790f9a083d5c99e95740ceb90c27ed", URL: "https://h5.example.com/?a=1&b=<2>",
		JSAPIList: []string{"checkJsApi", "scanQRCode"}, OpenTagList: []string{}, Account: "hidden", Kind: snapshot.KindJSAPI,
	}
	change := func(by func(*signature.Config)) signature.Config {
		c := plain
		by(&c)
		return c
	}
	for name, c := range map[string]signature.Config{
		"plain":         plain,
		"zero":          {},
		"no list":       change(func(c *signature.Config) { c.JSAPIList = nil }),
		"tags, debug":   change(func(c *signature.Config) { c.OpenTagList, c.Debug = []string{"wx-open-launch-weapp"}, true }),
		"WeCom":         change(func(c *signature.Config) { c.Beta, c.AgentID = true, "1000002" }),
		"agent":         change(func(c *signature.Config) { c.Beta, c.AgentID, c.Kind = true, "1000002", snapshot.KindAgentConfig }),
		"to be escaped": change(func(c *signature.Config) { c.URL = "https://例子.example/\\\"\x00\x7f\u2028\xff\n" }),
		"other texts":   change(func(c *signature.Config) { c.JSAPIList, c.AppID = []string{"中", `"`, ""}, "a\tb" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const before = "kept"
			if diff := cmp.Diff(before+encoded(t, c), string(c.AppendJSON([]byte(before)))+"\n"); diff != "" {
				t.Errorf("(-encoding/json +AppendJSON):\n%s", diff)
			}
		})
	}
}

func FuzzAppendJSON(f *testing.F) {
	f.Add("https://h5.example.com/?a=1&b=2", "checkJsApi")
	f.Add("\"\\\x00\x1f ~\x7f\u0080\u2028\u2029\xff", "<>&")
	f.Fuzz(func(t *testing.T, page, api string) {
		c := signature.Config{URL: page, JSAPIList: []string{api, page}}
		if diff := cmp.Diff(encoded(t, c), string(c.AppendJSON(nil))+"\n"); diff != "" {
			t.Errorf("(-encoding/json +AppendJSON):\n%s", diff)
		}
	})
}

// Texts are looked at in words: each byte at each place in and behind one.
func TestAppendTextSeesEachByte(t *testing.T) {
	t.Parallel()
	const usual = "0123456789abcdefgh"
	for place := range len(usual) {
		for b := range 256 {
			text := usual[:place] + string([]byte{byte(b)}) + usual[place+1:]
			var want bytes.Buffer
			encoder := json.NewEncoder(&want)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(text); err != nil {
				t.Fatal(err)
			}
			if got := string(signature.AppendText(nil, text)) + "\n"; got != want.String() {
				t.Fatalf("%q: %s, want %s", text, got, want.String())
			}
		}
	}
}
