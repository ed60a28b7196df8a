package cli

import (
	"io"
	"log/slog"

	"github.com/wxsign/wxsign/service/config"
)

// newLogger logs to w as the configuration says. What looks like a credential
// is masked whoever logs it.
func newLogger(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	// The configuration was checked: the text is one of slog's levels.
	_ = level.UnmarshalText([]byte(c.Level))
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: maskAttr}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
