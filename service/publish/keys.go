package publish

import (
	"strings"

	"github.com/wxsign/wxsign/service/snapshot"
)

// keys are the templates that the configuration gives.
type keys struct{ token, ticket string }

// of is the key of a credential's value.
func (k keys) of(appID, kind string) string {
	template := k.ticket
	if kind == snapshot.KindAccessToken {
		template = k.token
	}
	return strings.NewReplacer("{app_id}", appID, "{kind}", kind).Replace(template)
}

// stampKey is the key of what is known about the value of key. A value's key
// has no braces of its own, so Redis Cluster puts both by the same text.
func stampKey(key string) string { return "{" + key + "}:version" }

// keptKinds are the credentials that an account has.
func keptKinds(view *snapshot.View) []string {
	return append([]string{snapshot.KindAccessToken}, view.Account.Tickets...)
}
