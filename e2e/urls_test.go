package e2e_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestURLToSign(t *testing.T) {
	t.Parallel()
	const landing, current = origin + "/page?first=1", origin + "/page/second?y=2"
	mac := "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	for _, tt := range []struct {
		name   string
		device device
		client string
		urls   []string
	}{
		{"Android", android, "android", []string{landing, current}},
		{"iPhone", iPhone, "ios", []string{landing}},
		{"iPad that says it is a Mac", device{
			platform: "MacIntel", touch: 5,
			userAgent: mac + "MicroMessenger/8.0.49(0x18003137) NetType/WIFI",
		}, "ios", []string{landing}},
		{"Windows", windows, "desktop", []string{current}},
		{"Mac", device{userAgent: mac + "MicroMessenger/6.8.0(0x16080000) MacWechat/3.8.10", platform: "MacIntel"}, "desktop", []string{current}},
		{"WeCom on a phone", device{platform: "iPhone", touch: 5, userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) " +
			"AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/7.0.1 wxwork/4.1.6 ColorScheme/Light"}, "wecom", []string{current}},
		{"WeChat DevTools", device{platform: "iPhone", touch: 5, userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 11_0 like Mac OS X) " +
			"AppleWebKit/604.1.38 Mobile/15A372 wechatdevtools/1.06 MicroMessenger/8.0.5 webview/"}, "devtools", []string{current}},
		{"a phone with neither system", device{platform: "", touch: 5, userAgent: "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 " +
			"(KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6 Mobile MicroMessenger/8.0.6"}, "other", []string{landing, current}},
		{"browser", device{userAgent: mac + "Version/17.0 Safari/605.1.15", platform: "MacIntel"}, "browser", []string{current}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page?first=1#/route", tabOptions{device: &tt.device})
			eval[any](p, `history.pushState({}, '', '/page/second?y=2#z')`)
			if got := eval[string](p, `wxsign.client()`); got != tt.client {
				t.Errorf("client = %q, want %q", got, tt.client)
			}
			if diff := cmp.Diff(tt.urls, eval[[]string](p, `wxsign.urls()`)); diff != "" {
				t.Errorf("urls (-want +got):\n%s", diff)
			}
		})
	}
}

// The simulator checks the URL that this device's WeChat would.
func TestSinglePageAppIsAccepted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		device device
		want   string
	}{
		{android, origin + "/page?first=1"},
		{iPhone, origin + "/page?first=1"},
		{iPad, origin + "/page?first=1"},
		{windows, origin + "/page/second"},
		{wecom, origin + "/page/second"},
	} {
		t.Run(tt.device.title(), func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page?first=1", tabOptions{device: &tt.device, verify: askSimulator})
			eval[any](p, `history.pushState({}, '', '/page/second')`)
			got := configure(p, "")
			if want := []attempt{{tt.want, "config:ok"}}; !got.OK || !cmp.Equal(want, got.Attempts) {
				t.Errorf("ok = %v, attempts %v, want %v", got.OK, got.Attempts, want)
			}
		})
	}
}

func TestStrangeAddressesAreAccepted(t *testing.T) {
	t.Parallel()
	for _, d := range devices {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page/分享", tabOptions{device: &d, verify: askSimulator})
			for _, path := range []string{
				"/page/分享?x=中&y=a b+c%20d",
				"/page?from=singlemessage&isappinstalled=0",
				"/page?code=0d1x&state=%23wechat_redirect#/route?q=1",
				"/page?empty=&&amp;b=1",
				"/page?u=https%253A%252F%252Fa.example%252F",
				"/page?q=it's~(ok)!*",
			} {
				p.open(path)
				if got := configure(p, ""); !got.OK {
					t.Errorf("%s: %s: %s %s", path, got.Code, got.ErrMsg, got.Cause)
				}
			}
		})
	}
}

func TestAndroidTriesTheOtherURLOnce(t *testing.T) {
	t.Parallel()
	const landing, current = origin + "/page", origin + "/page/second"
	onlyCurrent := func(ctx context.Context, q question) (verdict, error) {
		q.URLs = q.URLs[1:]
		return askSimulator(ctx, q)
	}
	for _, tt := range []struct {
		name   string
		device device
		verify func(context.Context, question) (verdict, error)
		want   []attempt
		ok     bool
	}{
		{"then it is right", android, onlyCurrent, []attempt{{landing, "config:invalid signature"}, {current, "config:ok"}}, true},
		{
			"then it is still wrong", android, refuse("invalid signature"),
			[]attempt{{landing, "config:invalid signature"}, {current, "config:invalid signature"}},
			false,
		},
		{"not for a wrong domain", android, refuse("invalid url domain"), []attempt{{landing, "config:invalid url domain"}}, false},
		{"not on an iPhone", iPhone, refuse("invalid signature"), []attempt{{landing, "config:invalid signature"}}, false},
		{"not on a desktop", windows, refuse("invalid signature"), []attempt{{current, "config:invalid signature"}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page", tabOptions{device: &tt.device, verify: tt.verify})
			eval[any](p, `history.pushState({}, '', '/page/second')`)
			got := configure(p, "")
			if diff := cmp.Diff(tt.want, got.Attempts); got.OK != tt.ok || diff != "" {
				t.Errorf("ok = %v, attempts (-want +got):\n%s", got.OK, diff)
			}
		})
	}
}
