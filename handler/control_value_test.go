package handler_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
)

// The answer is appended by hand; it must be what encoding/json writes, whatever
// WeChat puts into a token one day.
func TestValueIsJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind, value string
		version     int64
	}{
		"token":           {keeper.KindAccessToken, "85_iQ-f6DDe9uydykslmfqrwGKcVfmVbvchXCUcrTdU38_", 1},
		"ticket":          {keeper.KindJSAPI, "kgt8ON7yVITDhtdwci0qeTzyhLTNc6FT", 1 << 60},
		"quote and slash": {keeper.KindAccessToken, `a"b\c/d`, 2},
		"HTML":            {keeper.KindAccessToken, "<a&b>", 3},
		"Chinese":         {keeper.KindWXCard, "票据\n\u2028", 4},
		"no UTF-8":        {keeper.KindAgentConfig, "a\xffb", 5},
		"long":            {keeper.KindAccessToken, strings.Repeat("x", 5000), 6},
		"none":            {keeper.KindAccessToken, "", 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, meant := handler.ValueJSON(tt.kind, keeper.Current{
				Value: secret.New(tt.value), Version: tt.version, ExpiresAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			})
			var want bytes.Buffer
			encoder := json.NewEncoder(&want)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(meant); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.String(), string(sent)+"\n"); diff != "" {
				t.Errorf("(-encoding/json +ours):\n%s", diff)
			}
		})
	}
}
