package handler

import (
	"errors"
	"net/http"
	"time"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
)

var (
	errWaitNeedsVersion = errors.New("wait was given without the value that you have")
	errTooManyWaits     = errors.New("too many requests wait here already")
	errQueryInvalid     = errors.New("a query parameter has a value that cannot be used")
	errReportIncomplete = errors.New("the report does not say which value is meant")
	errCardIncomplete   = errors.New("the card is not described well enough to be signed")
)

// controlProblems goes on with problems, for the routes of business servers.
var controlProblems = []problem{
	{
		apikey.ErrMissing, http.StatusUnauthorized, "key_missing",
		"Send the header Authorization: Bearer and an API key. `wxsign key create` makes one.",
	},
	{
		errBearer, http.StatusUnauthorized, "key_invalid",
		"Send it once, as in Authorization: Bearer wxs_….",
	},
	{
		apikey.ErrInvalid, http.StatusUnauthorized, "key_invalid",
		"Was it copied whole? It may be revoked or expired: `wxsign key list` tells.",
	},
	{
		apikey.ErrUnchecked, http.StatusServiceUnavailable, "key_unchecked",
		"The database may be away. Ask again after the seconds in Retry-After; keys that were used here before still work.",
	},
	{
		apikey.ErrScopeMissing, http.StatusForbidden, "scope_missing",
		"Make a key that has it: a key cannot be widened.",
	},
	{
		apikey.ErrAccountNotAllowed, http.StatusForbidden, "account_not_allowed",
		"Make a key that names the account, or check the app_id in the path.",
	},
	{
		apikey.ErrAddressNotAllowed, http.StatusForbidden, "address_not_allowed",
		"Make a key with this network in its list. Behind a proxy, name the proxy in server.trusted_proxies, and have it write addresses into X-Forwarded-For.",
	},
	{
		errBrowser, http.StatusForbidden, "browser_refused",
		"Ask from your server: whatever a page gets, everybody has. Servers send neither Origin nor Sec-Fetch-Site.",
	},
	{
		errWaitNeedsVersion, http.StatusBadRequest, "wait_needs_version",
		"Add after=<version>, or the header If-None-Match with the ETag of the last answer.",
	},
	{
		errQueryInvalid, http.StatusBadRequest, "query_invalid",
		"wait is a duration as in 30s, at most 60s; after is the version of an answer.",
	},
	{
		errTooManyWaits, http.StatusTooManyRequests, "too_many_requests",
		"Ask again after the seconds in Retry-After, or without wait. Behind a proxy that ends TLS and speaks HTTP/1.1 with wxsign ten times as many may wait.",
	},
	{
		errReportIncomplete, http.StatusBadRequest, "report_invalid",
		"Send either value, or sha256 with 64 hex digits.",
	},
	{
		errCardIncomplete, http.StatusBadRequest, "card_invalid",
		"add_card needs card_id; code, openid, card_type and location_id are texts without line ends.",
	},
	{
		keeper.ErrAccountUnknown, http.StatusNotFound, "account_unknown",
		"Check the app_id in the path: upper and lower case matter.",
	},
	{
		keeper.ErrAccountDisabled, http.StatusForbidden, "account_disabled",
		"An administrator can enable it again.",
	},
	{
		errOrderUnknown, http.StatusNotFound, "kind_unknown",
		"Send kind as jsapi, agent_config, add_card or choose_card.",
	},
	{
		keeper.ErrKindUnknown, http.StatusNotFound, "kind_unknown",
		"Kinds of tickets are jsapi, wx_card and agent_config; add the kind to the account's tickets.",
	},
	{
		keeper.ErrTokenNotReady, http.StatusServiceUnavailable, "token_not_ready",
		"Ask again after the seconds in Retry-After.",
	},
	{
		keeper.ErrTicketNotReady, http.StatusServiceUnavailable, "ticket_not_ready",
		"Ask again after the seconds in Retry-After.",
	},
	{
		keeper.ErrBudgetSpent, http.StatusTooManyRequests, "refresh_budget_spent",
		"WeChat keeps giving out the dead token. A person can refresh it in the panel; the next day in China has a new budget.",
	},
	{
		keeper.ErrRefreshFailed, http.StatusServiceUnavailable, "refresh_failed",
		"Ask again after the seconds in Retry-After.",
	},
}

// withRetry gives an error of the keeper the time after which it may be gone.
func withRetry(err error) error {
	if notReady, ok := errors.AsType[*keeper.NotReady](err); ok {
		return &RetryLater{Err: err, After: notReady.RetryAfter}
	}
	if failed, ok := errors.AsType[*keeper.RefreshFailed](err); ok {
		return &RetryLater{Err: err, After: failed.RetryAfter}
	}
	if errors.Is(err, keeper.ErrBudgetSpent) {
		return &RetryLater{Err: err, After: keeper.UntilNewBudget(time.Now())}
	}
	return err
}
