package signature_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
)

// officialTicket is the jsapi_ticket of the JS-SDK documentation, appendix 1.
const officialTicket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"

// vectors: the example of the documentation, those of other SDKs' tests, two
// that WeCom developers posted, and two of our own.
var vectors = []struct {
	name, ticket, nonce string
	timestamp           int64
	url, want           string
}{
	{
		"JS-SDK documentation, appendix 1", officialTicket, "Wm3WZYTPz0wzccnW", 1414587457,
		"http://mp.weixin.qq.com?params=value", "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
	},
	{
		"WxJava", "bxLdikRXVbTPdHSM05e5u4RbEYQn7pNQMPrfzl8lJNb1foLDa3HIwI3BRMkQmSO_5F64VFa75uURcq6Uz7QHgA", "82693e11-b9bc-448e-892f-f5289f46cd0f", 1419835025,
		"http://omstest.vmall.com:23568/thirdparty/wechat/vcode/gotoshare?quantity=1&batchName=MATE7", "c6f04b64d6351d197b71bd23fb7dd2d44c0db486",
	},
	{
		"EasyWeChat", "mock-ticket", "mock-nonce", 1601234567,
		"https://www.easywechat.com/", "22772d2fb393ab9f7f6a5a54168a566fbf1ab767",
	},
	{
		"WeCom agent, milliseconds", "cjaeBh+/676zBYL4+wFjNA==", "1705051362640", 1705051362640,
		"https://pre-data-source.gongxj.com", "d59457d159117e2a060c4f8271e91ce575d3e428",
	},
	{
		"WeCom agent", "XEdpActNnf3XvQGOng9vhA==", "4y5riOLJfxKjwjuT", 1624535037,
		"https://xlscs.wyawds.com/emc/radar/main", "b1c9d0cf0cf66f3cccdb254eee8e9c5348169873",
	},
	{
		"own", officialTicket, "Wm3WZYTPz0wzccnW", 1414587457,
		"https://h5.example.com/a?b=1", "2a85d3254bf372810740f9918f5c003a1501e483",
	},
	{
		"own, Chinese", officialTicket, "Wm3WZYTPz0wzccnW", 1414587457,
		"https://h5.example.com/%E5%88%86%E4%BA%AB?x=%E4%B8%AD&y=a%20b", "cf2745e12780569b0fb11a56c506510abf24ded0",
	},
}

func TestSign(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if got := signature.Sign(secret.New(v.ticket), v.nonce, v.timestamp, v.url); got != v.want {
				t.Errorf("%s, want %s", got, v.want)
			}
		})
	}
}

func TestStringToSignMasksTheTicket(t *testing.T) {
	t.Parallel()
	got := signature.StringToSign("Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value")
	const want = "jsapi_ticket=***&noncestr=Wm3WZYTPz0wzccnW&timestamp=1414587457&url=http://mp.weixin.qq.com?params=value"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSignCard(t *testing.T) {
	t.Parallel()
	const card, ticket = "pjZ8Yt1XGILfi-FUsewpnnolGgZk", "ojZ8YtyVyr30HheH3CM73y7h4jJE"
	for _, row := range []struct {
		name, ticket string
		values       []string
		want         string
	}{
		{"card documentation", ticket, []string{"1404896688", card, "1434008071", "123"}, "f137ab68b7f8112d20ee528ab6074564e2796250"},
		{"in any order", ticket, []string{"123", "1434008071", card, "1404896688"}, "f137ab68b7f8112d20ee528ab6074564e2796250"},
		{
			"older documentation, which left a blank behind the ticket", ticket + " ",
			[]string{"1404896688", card, "jonyqin_1434008071", "jonyqin"},
			"6b81fbf6af16e856334153b39737556063c82689",
		},
		{
			"the same without the blank", ticket,
			[]string{"1404896688", card, "jonyqin_1434008071", "jonyqin"},
			"2b4d29b5f60fa4be37522ddfd9583c329446d3e3",
		},
	} {
		given := strings.Join(row.values, " ")
		if got := signature.SignCard(secret.New(row.ticket), row.values...); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		if strings.Join(row.values, " ") != given {
			t.Errorf("%s: the caller's values were put in another order", row.name)
		}
	}
}
