package webhook

import (
	"context"

	"github.com/wxsign/wxsign/service/outbox"
)

// Adder is what takes messages: *outbox.Outbox.
type Adder interface {
	Add(ctx context.Context, m outbox.Message) error
}

// Hooks are all receivers.
type Hooks struct {
	hooks []*Hook
	box   Adder
}

// NewHooks takes receivers that are channels of the outbox.
func NewHooks(box Adder, hooks []*Hook) *Hooks { return &Hooks{hooks: hooks, box: box} }

// Announce puts an event on its way to every receiver that wants its type. The
// same event may be announced again, by any replica. After an error some have it
// and some do not: announce it again.
func (h *Hooks) Announce(ctx context.Context, e Event) error {
	return h.announce(ctx, e, func(string) bool { return true })
}

// announce leaves out the channels that may not have the event.
func (h *Hooks) announce(ctx context.Context, e Event, may func(channel string) bool) error {
	body, err := e.body()
	if err != nil {
		return err
	}
	for _, hook := range h.hooks {
		if !hook.Wants(e.Type) || !may(hook.Name()) {
			continue
		}
		err := h.box.Add(ctx, outbox.Message{EventID: e.ID, Channel: hook.Name(), Type: e.Type, At: e.At, Body: body})
		if err != nil {
			return err
		}
	}
	return nil
}

// wanting are the names of the receivers that are told of credentials.
func (h *Hooks) wanting() []string {
	var names []string
	for _, hook := range h.hooks {
		if hook.Wants(CredentialRenewed) || hook.Wants(CredentialFailed) || hook.Wants(CredentialExpired) {
			names = append(names, hook.Name())
		}
	}
	return names
}
