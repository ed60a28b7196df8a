// Package webhook tells other programs what happens to the credentials: that one
// was renewed, could not be renewed or has ended, and what alerts were raised. It
// never tells a value; who needs it asks for it with a key.
//
// Each message is signed, so that a receiver knows who sent it, and carries the
// id of its event, so that a receiver knows a repetition: deliveries are repeated
// until they are answered with a status of 200 to 299. Verify is the receiver's
// side, for receivers written in Go.
//
// What goes out is decided by looking at the history and at the clock, beside the
// renewals and not within them: a receiver that hangs costs a renewal nothing.
package webhook

import (
	"encoding/json"
	"fmt"
	"time"
)

// Types of events.
const (
	CredentialRenewed = "credential.renewed"
	CredentialFailed  = "credential.failed"
	CredentialExpired = "credential.expired"
	AlertRaised       = "alert.raised"
	AlertCleared      = "alert.cleared"
)

// Event is the body of a message. A field that says nothing is left out.
type Event struct {
	ID      string    `json:"id"` // stays the same when the message is repeated
	Type    string    `json:"type"`
	At      time.Time `json:"at"` // by the database's clock
	Account string    `json:"account,omitempty"`
	Kind    string    `json:"kind,omitempty"`
	Version int64     `json:"version,omitempty"`
	// Trigger is why the renewal was tried; see the history in the panel.
	Trigger   string    `json:"trigger,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // of the value that Version names
	// Fingerprint is the first 8 hex digits of the value's SHA-256.
	Fingerprint string `json:"fingerprint,omitempty"`
	Errcode     int    `json:"errcode,omitempty"` // WeChat's
	RID         string `json:"rid,omitempty"`     // WeChat's id of the request
	Message     string `json:"message"`           // for people: what happened, and what to do
}

func (e *Event) body() ([]byte, error) {
	e.At, e.ExpiresAt = e.At.UTC(), e.ExpiresAt.UTC()
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.ID, err)
	}
	return body, nil
}
