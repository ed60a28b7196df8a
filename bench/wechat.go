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
	request, err := http.NewRequestWithContext(ctx, method, wechat+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s %s: status %d: %s", method, path, response.StatusCode, text)
	}
	return nil
}

// calls counts what the pretended WeChat was asked for: tokens of both chains, and
// tickets.
func calls(ctx context.Context, wechat string) (tokens, tickets int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, wechat+"/_sim/ledger", http.NoBody)
	if err != nil {
		return 0, 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	var ledger struct {
		Totals map[string]struct {
			Calls int `json:"calls"`
		} `json:"totals"`
	}
	if err := json.NewDecoder(response.Body).Decode(&ledger); err != nil {
		return 0, 0, err
	}
	of := ledger.Totals
	return of["/cgi-bin/token"].Calls + of["/cgi-bin/stable_token"].Calls, of["/cgi-bin/ticket/getticket"].Calls, nil
}
