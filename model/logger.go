package model

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm/logger"
)

// quietLogger takes what gorm itself has to say and drops its statement
// traces: those would print arguments, and every error is returned anyway.
type quietLogger struct{ slog *slog.Logger }

func (q quietLogger) LogMode(logger.LogLevel) logger.Interface { return q }

func (q quietLogger) Info(ctx context.Context, text string, _ ...any) {
	q.slog.DebugContext(ctx, "gorm", "text", text)
}

func (q quietLogger) Warn(ctx context.Context, text string, _ ...any) {
	q.slog.WarnContext(ctx, "gorm", "text", text)
}

func (q quietLogger) Error(ctx context.Context, text string, _ ...any) {
	q.slog.ErrorContext(ctx, "gorm", "text", text)
}

func (q quietLogger) Trace(context.Context, time.Time, func() (string, int64), error) {}
