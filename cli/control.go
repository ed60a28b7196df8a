package cli

import (
	"context"
	"net/http"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/signature"
)

// newKeys makes the API keys of a database.
func newKeys(store *model.Store) (*apikey.Keys, error) {
	entries, err := audit.New(store)
	if err != nil {
		return nil, err
	}
	return apikey.New(apikey.Options{Store: store, Audit: entries})
}

// triesPerSecond and triesAtOnce limit how often one network may present a key
// or a token that is not known here and costs a look at the database.
const (
	triesPerSecond = 5
	triesAtOnce    = 50
)

// buildControl makes the routes for business servers.
func (p *program) buildControl(health *handler.Health) (http.Handler, error) {
	signer, err := signature.New(signature.Options{Accounts: p.table})
	if err != nil {
		return nil, err
	}
	guard := handler.NewGuard(p.keys, router.NewLimiter(triesPerSecond, triesAtOnce))
	if p.callers, err = handler.NewControl(p.keeper, guard, startingSigner{signer, &p.started}); err != nil {
		return nil, err
	}
	relay, err := p.buildRelay(guard)
	if err != nil {
		return nil, err
	}
	return router.Control(router.ControlOptions{
		Control: p.callers, Health: health, Relay: relay,
		TrustedProxies: p.config.Server.TrustedProxies, Logger: p.log,
	})
}

// followKeys loads the API keys and follows them.
func (p *program) followKeys(ctx context.Context) error {
	if err := p.keys.Load(ctx); err != nil {
		return err
	}
	p.keys.Start()
	return nil
}

// endWaits answers the long polls of callers, who then ask another replica.
func (p *program) endWaits(ctx context.Context) {
	if p.callers != nil {
		p.callers.EndWaits(ctx)
	}
}
