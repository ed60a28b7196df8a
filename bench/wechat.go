package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// steer gives the pretended WeChat an order.
func steer(ctx context.Context, wechat, method, path, body string) error {
	_, err := tell(ctx, method, wechat+path, body)
	return err
}

// tell is steer with the answer.
func tell(ctx context.Context, method, address, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: status %d: %s", method, address, response.StatusCode, answer)
	}
	return answer, err
}

// calls counts what the pretended WeChat was asked for: tokens of both chains, and
// tickets.
func calls(ctx context.Context, wechat string) (tokens, tickets int, err error) {
	answer, err := tell(ctx, http.MethodGet, wechat+"/_sim/ledger", "")
	if err != nil {
		return 0, 0, err
	}
	var ledger struct {
		Totals map[string]struct {
			Calls int `json:"calls"`
		} `json:"totals"`
	}
	if err := json.Unmarshal(answer, &ledger); err != nil {
		return 0, 0, err
	}
	of := ledger.Totals
	return of["/cgi-bin/token"].Calls + of["/cgi-bin/stable_token"].Calls, of["/cgi-bin/ticket/getticket"].Calls, nil
}
