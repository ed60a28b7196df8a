package config_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/config"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text  string
		want  time.Duration
		again string
	}{
		{"", 0, "0s"},
		{"0", 0, "0s"},
		{"290s", 290 * time.Second, "4m50s"},
		{"15m", 15 * time.Minute, "15m"},
		{"2h", 2 * time.Hour, "2h"},
		{"1h20m", 80 * time.Minute, "1h20m"},
		{"20m10s", 20*time.Minute + 10*time.Second, "20m10s"},
		{"100ms", 100 * time.Millisecond, "100ms"},
		{"90d", 90 * 24 * time.Hour, "90d"},
		{"1d12h", 36 * time.Hour, "36h"},
		{"-5s", -5 * time.Second, "-5s"},
		{"106751d", 106751 * 24 * time.Hour, "106751d"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got, err := config.ParseDuration(test.text)
			if err != nil || got.Std() != test.want || got.String() != test.again {
				t.Errorf("got %v (%s), %v; want %v (%s)", got.Std(), got, err, test.want, test.again)
			}
		})
	}
}

func TestNotADuration(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"5", "d", "1.5d", "-1d", "1d-2h", "1dd", "1h1d", "five minutes", "106752d", "106751d24h", "99999999999999999999d",
	} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"", "90d", "1d12h", "290s", "-1h", "106751d", "1ns"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := config.ParseDuration(text)
		if err != nil {
			return
		}
		again, err := config.ParseDuration(first.String())
		if err != nil || again != first {
			t.Errorf("%q is %s, which reads as %s, %v", text, first, again, err)
		}
	})
}
