package cli

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/wxsign/wxsign/service/signature"
)

// startingSigner answers for the time before the stored accounts are known,
// which a database that is away can make long: "unknown account" and "domain
// not allowed" would be wrong then, and would send people to mend what is right.
type startingSigner struct {
	*signature.Signer
	started *atomic.Bool
}

// retryWhileStarting is when to ask again: a start with a database takes less.
const retryWhileStarting = 2 * time.Second

// Config is signature.Signer's.
func (s startingSigner) Config(r signature.Request) (signature.Config, error) {
	return s.judge(s.Signer.Config(r))
}

// AwaitConfig is signature.Signer's.
func (s startingSigner) AwaitConfig(ctx context.Context, r signature.Request) (signature.Config, error) {
	return s.judge(s.Signer.AwaitConfig(ctx, r))
}

func (s startingSigner) judge(config signature.Config, err error) (signature.Config, error) {
	unknown := errors.Is(err, signature.ErrAccountUnknown) || errors.Is(err, signature.ErrDomainNotAllowed)
	if unknown && !s.started.Load() {
		err = &signature.NotReady{RetryAfter: retryWhileStarting}
	}
	return config, err
}
